// See ps2_keyboard.h.
#include "devices/ps2_keyboard.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"

namespace bantam::devices {
namespace {
constexpr u64 kMs = 1'000'000;

constexpr u8 overrun_code(u8 set) { return set == 1 ? 0xFF : 0x00; }

/// Codes of one key event.
struct Codes {
    std::array<u8, 10> bytes{};
    unsigned count = 0;
    void add(unsigned byte) { bytes[count++] = static_cast<u8>(byte); }
    /// A make or break code of set 1 or 2, with its prefixes.
    void add(u8 set, u16 set1, u16 set2, bool make) {
        const u16 code = set == 1 ? set1 : set2;
        if (code >> 8 != 0) add(code >> 8);
        if (set == 1) {
            add((code & 0xFFu) | (make ? 0u : 0x80u));
        } else {
            if (!make) add(0xF0);
            add(code & 0xFFu);
        }
    }
};

}  // namespace

Ps2Keyboard::Ps2Keyboard(Scheduler& scheduler)
    : Ps2Device(scheduler, "keyboard", kSelfTestNs), repeat_timer_(scheduler, "keyboard.repeat", [this] { repeat(); }) {
    restore_defaults();
}

void Ps2Keyboard::reset() {
    r_ = {};
    reset_line();
    restore_defaults();
    buffer_.clear();
}

void Ps2Keyboard::describe(Archive& archive) {
    describe_line(archive);
    archive.field("scanning", r_.scanning);
    archive.field("scan_set", r_.scan_set);
    archive.field("leds", r_.leds);
    archive.field("typematic", r_.typematic);
    archive.field("overrun", r_.overrun);
    archive.field("repeat_key", r_.repeat_key);
    archive.field("repeating", r_.repeating);
    archive.bytes("set3_kind", r_.set3_kind.data(), r_.set3_kind.size());
    archive.bytes("keys_down", r_.keys_down.data(), r_.keys_down.size());
    archive.field("buffer", buffer_);
    if (!archive.loading()) return;
    if (r_.scan_set < 1 || r_.scan_set > 3) r_.scan_set = 2;
    r_.typematic &= 0x7F;
}

std::string Ps2Keyboard::info() const {
    return fmt::format("keyboard: set {}, {}, LEDs {:03b}, {} bytes wait\n", r_.scan_set,
                       line_.testing ? "self-test"
                       : r_.scanning ? "scanning"
                                     : "off",
                       r_.leds, buffer_.size() + answers_.size());
}

bool Ps2Keyboard::has_output() const {
    // While an argument is awaited the keyboard is silent but for its answers.
    return !answers_.empty() || (line_.command == 0 && !buffer_.empty());
}

std::optional<u8> Ps2Keyboard::take_output() {
    if (!has_output()) return std::nullopt;
    const bool response = !answers_.empty();
    const u8 byte = response ? answers_.pop() : buffer_.pop();
    if (!response && buffer_.empty()) r_.overrun = false;
    return sent(byte);
}

void Ps2Keyboard::restore_defaults() {
    r_.typematic = 0x2B;
    line_.command = 0;
    r_.repeating = false;
    repeat_timer_.disarm();
    for (const KeyRow& row : key_table()) {
        if (row.set3 != 0) r_.set3_kind[row.set3] = static_cast<u8>(row.kind);
    }
}

void Ps2Keyboard::set_all_kinds(KeyRow::Kind kind) { r_.set3_kind.fill(static_cast<u8>(kind)); }

void Ps2Keyboard::accept(u8 byte) {
    // EDh and above are commands: in place of an argument they end the waiting one.
    if (line_.command != 0 && byte < 0xED) {
        argument(byte);
        return;
    }
    line_.command = 0;
    answers_.clear();
    command(byte);
}

void Ps2Keyboard::command(u8 byte) {
    switch (byte) {
        case 0xED:  // set LEDs
        case 0xF0:  // select or report scan code set
        case 0xF3:  // typematic rate and delay
            await_argument(byte);
            break;
        case 0xEE:
            respond(0xEE);
            break;
        case 0xF2:
            respond(kAck);
            respond(0xAB);
            respond(0x83);
            break;
        case 0xF4:
            buffer_.clear();
            r_.scanning = true;
            respond(kAck);
            break;
        case 0xF5:
        case 0xF6:
            buffer_.clear();
            restore_defaults();
            r_.scanning = byte == 0xF6;
            respond(kAck);
            break;
        case 0xF7:
        case 0xF8:
        case 0xF9:
        case 0xFA: {
            constexpr KeyRow::Kind kKinds[] = {KeyRow::Kind::typematic, KeyRow::Kind::make_break,
                                               KeyRow::Kind::make_only, KeyRow::Kind::typematic_make_break};
            set_all_kinds(kKinds[byte - 0xF7]);
            respond(kAck);
            break;
        }
        case 0xFB:
        case 0xFC:
        case 0xFD:  // a list of set-3 codes follows, ended by the next command; scanning stops
            buffer_.clear();
            r_.scanning = false;
            await_argument(byte);
            break;
        default:
            common_command(byte);
            break;
    }
}

void Ps2Keyboard::prepare_self_test() {
    buffer_.clear();
    r_.keys_down.fill(0);
    r_.leds = 0;
    r_.scan_set = 2;
    r_.scanning = true;
    restore_defaults();
}

void Ps2Keyboard::argument(u8 byte) {
    const u8 which = line_.command;
    switch (which) {
        case 0xED:
            r_.leds = byte & 7;
            break;
        case 0xF0:
            if (byte > 3) {
                line_.command = 0;
                respond(kResend);
                return;
            }
            buffer_.clear();
            line_.command = 0;
            respond(kAck);
            if (byte == 0) {
                respond(r_.scan_set);
            } else {
                r_.scan_set = byte;
            }
            return;
        case 0xF3:
            r_.typematic = byte & 0x7F;
            break;
        case 0xFB:
        case 0xFC:
        case 0xFD: {
            constexpr KeyRow::Kind kKinds[] = {KeyRow::Kind::typematic, KeyRow::Kind::make_break,
                                               KeyRow::Kind::make_only};
            r_.set3_kind[byte] = static_cast<u8>(kKinds[which - 0xFB]);
            respond(kAck);
            return;  // more may follow
        }
        default:  // takes no argument: only a damaged state waits for one
            break;
    }
    line_.command = 0;
    respond(kAck);
}

bool Ps2Keyboard::down(KeyCode key) const {
    const auto index = static_cast<unsigned>(key);
    return bit(r_.keys_down[index / 8], index % 8);
}

bool Ps2Keyboard::any_down(std::string_view left, std::string_view right) const {
    return down(*key_by_name(left)) || down(*key_by_name(right));
}

void Ps2Keyboard::key(KeyCode key, bool pressed) {
    const auto index = static_cast<unsigned>(key);
    if (index >= key_table().size() || down(key) == pressed) return;
    r_.keys_down[index / 8] = static_cast<u8>(r_.keys_down[index / 8] ^ 1u << index % 8);
    if (pressed) {
        r_.repeat_key = static_cast<u8>(index);
        r_.repeating = true;
        repeat_timer_.arm(scheduler_.now() + repeat_delay_ns());
    } else if (r_.repeating && r_.repeat_key == index) {
        r_.repeating = false;
        repeat_timer_.disarm();
    }
    send_key(key, pressed);
}

void Ps2Keyboard::repeat() {
    if (!r_.repeating) return;
    const auto key = static_cast<KeyCode>(r_.repeat_key);
    const KeyRow& row = key_row(key);
    const auto kind = static_cast<KeyRow::Kind>(r_.set3_kind[row.set3]);
    const bool kind_repeats = kind == KeyRow::Kind::typematic || kind == KeyRow::Kind::typematic_make_break;
    const bool repeats = row.name != "pause" && (r_.scan_set != 3 || kind_repeats);
    if (!repeats) return;
    send_key(key, true);
    repeat_timer_.arm(scheduler_.now() + repeat_period_ns());
}

/// Delay: (1 + bits 6-5) * 250 ms. Period: (8 + bits 2-0) * 2^(bits 4-3) * 4.17 ms.
u64 Ps2Keyboard::repeat_delay_ns() const { return (1 + bits(r_.typematic, 5, 2)) * 250 * kMs; }

u64 Ps2Keyboard::repeat_period_ns() const {
    return ((8 + bits(r_.typematic, 0, 3)) << bits(r_.typematic, 3, 2)) * 4'170'000;
}

/// The code sequence of one key event. Sets 1 and 2 wrap cursor keys in shift codes while num lock or shift would
/// change what they mean on an 84-key keyboard ("Keyboard scan codes", notes of the tables).
void Ps2Keyboard::send_key(KeyCode key, bool pressed) {
    if (!r_.scanning || line_.testing) return;
    const KeyRow& row = key_row(key);
    const u8 set = r_.scan_set;
    Codes codes;
    if (set == 3) {
        if (row.set3 == 0) return;
        const auto kind = static_cast<KeyRow::Kind>(r_.set3_kind[row.set3]);
        const bool breaks = kind == KeyRow::Kind::make_break || kind == KeyRow::Kind::typematic_make_break;
        if (!pressed && !breaks) return;
        if (!pressed) codes.add(0xF0);
        codes.add(row.set3);
        push_codes(codes.bytes.data(), codes.count);
        return;
    }
    const bool control = any_down("ctrl", "ctrl_r");
    const bool shift = any_down("shift", "shift_r");
    if (row.name == "pause") {
        if (!pressed) return;  // its break code follows the make at once
        if (control) {
            codes.add(set, 0xE046, 0xE07E, true);
            codes.add(set, 0xE046, 0xE07E, false);
        } else {
            codes.add(0xE1);
            codes.add(set, 0x1D, 0x14, true);
            codes.add(set, 0x45, 0x77, true);
            codes.add(0xE1);
            codes.add(set, 0x1D, 0x14, false);
            codes.add(set, 0x45, 0x77, false);
        }
    } else if (row.name == "print") {
        if (any_down("alt", "alt_r")) {
            codes.add(set, 0x54, 0x84, pressed);
        } else {
            const bool fake_shift = !control && !shift;
            if (fake_shift && pressed) codes.add(set, 0xE02A, 0xE012, true);
            codes.add(set, row.set1, row.set2, pressed);
            if (fake_shift && !pressed) codes.add(set, 0xE02A, 0xE012, false);
        }
    } else {
        const bool cursor_key = row.set1 >= 0xE047 && row.set1 <= 0xE053;
        const bool num_lock = (r_.leds & 2) != 0;
        const bool undo_shift = cursor_key && shift && !num_lock;
        const bool add_shift = cursor_key && num_lock && !shift;
        if (undo_shift && pressed) codes.add(set, 0xE02A, 0xE012, false);
        if (add_shift && pressed) codes.add(set, 0xE02A, 0xE012, true);
        codes.add(set, row.set1, row.set2, pressed);
        if (undo_shift && !pressed) codes.add(set, 0xE02A, 0xE012, true);
        if (add_shift && !pressed) codes.add(set, 0xE02A, 0xE012, false);
    }
    push_codes(codes.bytes.data(), codes.count);
}

/// A sequence goes into the buffer whole; if it does not fit, the overrun code takes the last place once.
void Ps2Keyboard::push_codes(const u8* codes, unsigned count) {
    if (r_.overrun) return;
    if (buffer_.room() <= count) {
        r_.overrun = true;
        buffer_.push(overrun_code(r_.scan_set));
    } else {
        for (unsigned i = 0; i < count; ++i) buffer_.push(codes[i]);
    }
    output_added();
}

}  // namespace bantam::devices
