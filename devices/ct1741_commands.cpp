// The DSP's commands.
#include <algorithm>
#include <bit>
#include <string_view>

#include "base/bits.h"
#include "base/log.h"
#include "devices/ct1741.h"

namespace bantam::devices {
namespace {

constexpr u8 kMajor = 4, kMinor = 5;
// What command E3h answers; drivers compare it.
constexpr std::string_view kCopyright = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.";
// What the converters are specified for; the time constant of command 40h reaches further.
constexpr u32 kLowestRate = 4'000, kHighestRate = 45'454;

/// How many bytes follow the command.
unsigned arguments_of(u8 command) {
    switch (command) {
        case 0x04:  // ASP: mode, version, register
        case 0x08:
        case 0x0F:
        case 0x10:  // direct output
        case 0x38:  // MIDI byte
        case 0x40:  // time constant
        case 0xE0:  // identification
        case 0xE2:  // DMA identification
        case 0xE4:  // test register
        case 0xF9:
            return 1;
        case 0x05:  // ASP
        case 0x0E:
        case 0x14:  // one block: 8 bits, input, 2, 4, 2.6 bits and with reference byte
        case 0x16:
        case 0x17:
        case 0x24:
        case 0x74:
        case 0x75:
        case 0x76:
        case 0x77:
        case 0x41:  // rates
        case 0x42:
        case 0x48:  // block size
        case 0x80:  // silence
            return 2;
        default:
            return command >= 0xB0 && command <= 0xCF ? 3 : 0;
    }
}

}  // namespace

void Ct1741::warn_left_out(std::string_view what) {
    if (warned_[r_.command]) return;
    warned_.set(r_.command);
    log::warning("ct1741: command {:02x}: {} (told once)", r_.command, what);
}

void Ct1741::write_command(u8 value) {
    if (r_.midi) return warn_left_out("MIDI goes nowhere");
    if (r_.arguments_expected == 0) {
        r_.command = value;
        r_.arguments_count = 0;
        r_.arguments_expected = static_cast<u8>(arguments_of(value));
        if (r_.arguments_expected == 0) execute();
        return;
    }
    r_.arguments.at(r_.arguments_count++) = value;
    if (r_.arguments_count < r_.arguments_expected) return;
    r_.arguments_expected = r_.arguments_count = 0;
    execute();
}

/// Commands that start a block.
bool Ct1741::execute_block() {
    const u8 command = r_.command;
    Transfer next{.format = Format::pcm, .rate = r_.rate, .block = argument_word() + 1};
    if (command >= 0xB0 && command <= 0xCF) {  // 4.xx: 16 or 8 bits, direction, auto-initialisation, format, length
        next.input = bit(command, 3);
        next.auto_init = bit(command, 2);
        next.stereo = bit(r_.arguments[0], 5);
        next.is_signed = bit(r_.arguments[0], 4);
        next.block = (r_.arguments[1] | u32{r_.arguments[2]} << 8) + 1;
        start(command < 0xC0 ? kWide : kNarrow, next);
        return true;
    }
    switch (command) {
        case 0x14:
            break;
        case 0x1C:
        case 0x90:
            next.auto_init = true;
            next.block = r_.block_size;
            break;
        case 0x91:  // "high speed": on this DSP an ordinary block
            next.block = r_.block_size;
            break;
        case 0x24:
            next.input = true;
            break;
        case 0x2C:
        case 0x98:
            next.input = next.auto_init = true;
            next.block = r_.block_size;
            break;
        case 0x99:
            next.input = true;
            next.block = r_.block_size;
            break;
        case 0x16:
        case 0x17:
        case 0x1F:
            next.format = Format::adpcm2;
            break;
        case 0x74:
        case 0x75:
        case 0x7D:
            next.format = Format::adpcm4;
            break;
        case 0x76:
        case 0x77:
        case 0x7F:
            next.format = Format::adpcm2_6;
            break;
        case 0x80:
            next.format = Format::silence;
            break;
        default:
            return false;
    }
    if (next.format != Format::pcm && next.format != Format::silence) {
        next.reference = bit(command, 0);
        next.auto_init = command == 0x1F || command == 0x7D || command == 0x7F;
        if (next.auto_init) next.block = r_.block_size;
    }
    start(kNarrow, next);
    return true;
}

void Ct1741::execute() {
    if (execute_block()) return;
    const u8 argument = r_.arguments[0];
    switch (r_.command) {
        case 0x10:
            if (sink_ != nullptr) {
                const auto level = static_cast<i16>((argument - 0x80) * 256);
                sink_->set_level(scheduler_.now(), {level, level});
            }
            break;
        case 0x20:  // direct input
            answer(0x80);
            break;
        case 0x34:
        case 0x35:
        case 0x36:
        case 0x37:
            r_.midi = true;
            break;
        case 0x40:
            r_.rate = std::clamp(1'000'000u / (256u - argument), kLowestRate, kHighestRate);
            break;
        case 0x41:
        case 0x42:  // the high byte comes first
            r_.rate = std::clamp(u32{argument} << 8 | r_.arguments[1], kLowestRate, kHighestRate);
            break;
        case 0x45:
        case 0x47:
            if (Transfer& transfer = r_.transfers[r_.command == 0x45 ? kNarrow : kWide]; transfer.active)
                transfer.auto_init = true;
            break;
        case 0x48:
            r_.block_size = argument_word() + 1;
            break;
        case 0xD0:
            pause(kNarrow);
            break;
        case 0xD4:
            resume(kNarrow);
            break;
        case 0xD5:
            pause(kWide);
            break;
        case 0xD6:
            resume(kWide);
            break;
        case 0xD1:
        case 0xD3:  // of no effect on what this DSP plays
            r_.speaker = r_.command == 0xD1;
            break;
        case 0xD8:
            answer(r_.speaker ? 0xFF : 0x00);
            break;
        case 0xD9:
        case 0xDA:
            r_.transfers[r_.command == 0xDA ? kNarrow : kWide].auto_init = false;
            break;
        case 0xE0:
            answer(static_cast<u8>(~argument));
            break;
        case 0xE1:
            answer(kMajor);
            answer(kMinor);
            break;
        case 0xE3:
            for (const char c : kCopyright) answer(static_cast<u8>(c));
            answer(0);
            break;
        case 0xE4:
            r_.test = argument;
            break;
        case 0xE2:  // what drivers compare to see that DMA works
            r_.identity = static_cast<u8>(r_.identity + (argument ^ r_.identity_key));
            r_.identity_key = std::rotr(r_.identity_key, 2);
            start(kNarrow, {.format = Format::identification, .input = true, .rate = r_.rate, .block = 1});
            break;
        case 0xE8:
            answer(r_.test);
            break;
        case 0xF2:
            raise(kInterrupt8);
            break;
        case 0xF3:
            raise(kInterrupt16);
            break;
        case 0xF8:
            answer(0);
            break;
        case 0x08:  // no ASP answers
        case 0x0F:
        case 0xF9:
            answer(0xFF);
            break;
        case 0x38:
            warn_left_out("MIDI goes nowhere");
            break;
        case 0x04:
        case 0x05:
        case 0x0E:
        case 0xA0:  // mono and stereo input of the Sound Blaster Pro: B0h-CFh say so themselves
        case 0xA8:
            break;
        default:
            warn_left_out("is not implemented and does nothing");
            break;
    }
}

}  // namespace bantam::devices
