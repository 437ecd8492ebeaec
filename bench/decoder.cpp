// Decoder throughput: decodes a file's bytes from end to end (by default this program's own), several times, and prints
// million instructions a second. Bytes that are no instruction are stepped over one at a time.
#include "cpu/isa/decoder.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <vector>

#include "cpu/isa/table.h"

using namespace bantam;
using namespace bantam::isa;

namespace {

/// Offset and length of the first executable segment of a 64-bit ELF file, or the whole file.
std::span<const u8> code_of(const std::vector<u8>& file) {
    const auto read = [&](std::size_t at, unsigned size) {
        u64 value = 0;
        for (unsigned i = 0; i < size && at + i < file.size(); ++i) value |= u64{file[at + i]} << (8 * i);
        return value;
    };
    if (file.size() < 64 || read(0, 4) != 0x464C457F || file[4] != 2) return file;
    const u64 headers = read(32, 8);
    const u64 header_size = read(54, 2);
    for (u64 i = 0; i < read(56, 2); ++i) {
        const u64 at = headers + i * header_size;
        const u64 offset = read(at + 8, 8);
        const u64 size = read(at + 32, 8);
        const bool executable = read(at, 4) == 1 && (read(at + 4, 4) & 1u) != 0;
        if (executable && offset <= file.size() && size <= file.size() - offset) {
            return std::span(file).subspan(offset, size);
        }
    }
    return file;
}

}  // namespace

int main(int argc, char** argv) {
    const char* path = argc > 1 ? argv[1] : "/proc/self/exe";
    std::ifstream stream(path, std::ios::binary);
    const std::vector<u8> file{std::istreambuf_iterator<char>(stream), {}};
    if (file.empty()) {
        fmt::print(stderr, "decoder benchmark: cannot read {}\n", path);
        return 66;
    }
    const std::span<const u8> code = code_of(file);
    const DecodeMode mode;
    double best = 0;
    for (int round = 0; round < 20; ++round) {
        const auto start = std::chrono::steady_clock::now();
        u64 count = 0;
        u64 bad = 0;
        Instruction instruction;
        for (std::size_t at = 0; at < code.size();) {
            if (decode(code.subspan(at), mode, instruction) == DecodeStatus::ok) {
                at += instruction.length;
            } else {
                ++at;
                ++bad;
            }
            ++count;
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        best = std::max(best, static_cast<double>(count) / took.count() / 1e6);
        if (round == 0) fmt::print("{}: {} bytes, {} instructions, {} bad\n", path, code.size(), count, bad);
    }
    fmt::print("{:.1f} M instr/s\n", best);
    return 0;
}
