// vga_replay IMAGE FOLDER: takes the scenes of scenes.asm's image on the reference and writes what they show:
// NAME.P.ppm for each phase P of blinking, and NAME.bytes with what they read from memory. The scenes' names go to
// standard output, one a line, followed by " wide" where a dot lasts two periods of the dot clock.
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/vga/reference_vga.h"

namespace {

using reference::Picture;
using reference::ReferenceVga;

class Tape {
public:
    explicit Tape(std::string bytes) : bytes_(std::move(bytes)) {
        const std::string mark = "VGASCENES";
        at_ = bytes_.find(mark);
        if (at_ == std::string::npos) throw std::runtime_error("no scenes in the image");
        at_ += mark.size();
    }
    std::uint32_t number(unsigned size) {
        std::uint32_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value |= std::uint32_t{static_cast<std::uint8_t>(bytes_.at(at_++))} << (8 * i);
        return value;
    }
    unsigned byte() { return number(1); }
    unsigned word() { return number(2); }
    std::string text() {
        std::string result;
        while (const char c = static_cast<char>(byte())) result += c;
        return result;
    }

private:
    std::string bytes_;
    std::size_t at_ = 0;
};

void write_ppm(const std::string& path, const Picture& picture) {
    std::ofstream file(path, std::ios::binary);
    file << "P6\n" << picture.width << ' ' << picture.height << "\n255\n";
    file.write(reinterpret_cast<const char*>(picture.rgb.data()), static_cast<std::streamsize>(picture.rgb.size()));
}

void palette(ReferenceVga& vga, unsigned mask) {
    vga.out(0x3C8, 0);
    for (unsigned k = 0; k < 256; ++k) {
        vga.out(0x3C9, 7 * k & mask);
        vga.out(0x3C9, (k ^ k / 8) & mask);
        vga.out(0x3C9, mask == 255 ? k : k / 4);
    }
}

void pattern(ReferenceVga& vga, Tape& tape) {
    std::uint32_t address = tape.number(4);
    const std::uint32_t count = tape.number(4);
    unsigned value = tape.byte();
    const unsigned step = tape.byte(), cross = tape.byte();
    for (std::uint32_t i = 0; i < count; ++i) {
        vga.write(address++, value);
        value += step + (address % 256 == 0 ? cross : 0);
    }
}

/// The actions of one scene; what it reads.
std::string play(ReferenceVga& vga, Tape& tape) {
    std::string reported;
    for (;;) {
        switch (const unsigned action = tape.byte()) {
            case 2: {
                const unsigned port = tape.word();
                vga.out(port, tape.byte());
                break;
            }
            case 3:
                vga.in(tape.word());
                break;
            case 4: {
                const unsigned index = tape.word();
                vga.out_dispi(index, tape.word());
                break;
            }
            case 5:
                pattern(vga, tape);
                break;
            case 6: {
                std::uint32_t address = tape.number(4);
                const std::uint32_t count = tape.number(4);
                const unsigned value = tape.byte(), stride = tape.word();
                for (std::uint32_t i = 0; i < count; ++i, address += stride) {
                    vga.read(address);
                    vga.write(address, value);
                }
                break;
            }
            case 7: {
                const std::uint32_t from = tape.number(4), to = tape.number(4), count = tape.number(4);
                for (std::uint32_t i = 0; i < count; ++i) vga.write(to + i, vga.read(from + i));
                break;
            }
            case 8: {
                const std::uint32_t address = tape.number(4), count = tape.number(4);
                for (std::uint32_t i = 0; i < count; ++i) reported += static_cast<char>(vga.read(address + i));
                break;
            }
            case 9: {
                const std::uint32_t offset = tape.number(4), count = tape.number(4);
                std::uint32_t value = tape.number(4);
                const std::uint32_t step = tape.number(4);
                for (std::uint32_t i = 0; i < count; ++i, value += step) {
                    for (unsigned part = 0; part < 4; ++part)
                        vga.write_linear(offset + i * 4 + part, value >> (8 * part));
                }
                break;
            }
            case 10:
                palette(vga, tape.byte());
                break;
            case 11:
                return reported;
            default:
                throw std::runtime_error("no action " + std::to_string(action));
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 3) throw std::runtime_error("usage: vga_replay IMAGE FOLDER");
        std::ifstream image(argv[1], std::ios::binary);
        Tape tape(std::string(std::istreambuf_iterator<char>(image), {}));
        const std::string folder = std::string(argv[2]) + "/";
        ReferenceVga vga;
        while (tape.byte() == 1) {
            const std::string name = tape.text();
            std::ofstream(folder + name + ".bytes", std::ios::binary) << play(vga, tape);
            for (unsigned phase = 0; phase < (vga.linear() ? 1u : 4u); ++phase) {
                write_ppm(folder + name + "." + std::to_string(phase) + ".ppm", vga.picture(phase));
            }
            std::cout << name << (vga.wide_dots() ? " wide\n" : "\n");
        }
    } catch (const std::exception& error) {
        std::cerr << "vga_replay: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
