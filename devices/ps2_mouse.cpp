// See ps2_mouse.h.
#include "devices/ps2_mouse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/bits.h"

namespace bantam::devices {
namespace {
// Movement that nobody asks for stops counting here, as the chip's counters do, only wider.
constexpr i32 kCountMax = 1 << 20;

i32 add_counts(i32 total, int more) {
    return static_cast<i32>(std::clamp<i64>(i64{total} + more, -kCountMax, kCountMax));
}

/// Scaling 2:1 of stream mode: 0 1 1 3 6 9, then twice.
int scaled(int counts) {
    constexpr int kSmall[] = {0, 1, 1, 3, 6, 9};
    const int size = std::abs(counts);
    const int result = size < 6 ? kSmall[size] : 2 * size;
    return counts < 0 ? -result : result;
}
}  // namespace

Ps2Mouse::Ps2Mouse(Scheduler& scheduler)
    : Ps2Device(scheduler, "mouse", kSelfTestNs), sample_timer_(scheduler, "mouse.sample", [this] { sample(); }) {}

void Ps2Mouse::reset() {
    r_ = {};
    reset_line();
    sample_timer_.disarm();
}

void Ps2Mouse::describe(Archive& archive) {
    describe_line(archive);
    archive.field("remote", r_.remote);
    archive.field("wrap", r_.wrap);
    archive.field("reporting", r_.reporting);
    archive.field("scaling_2_1", r_.scaling_2_1);
    archive.field("changed", r_.changed);
    archive.field("resolution", r_.resolution);
    archive.field("sample_rate", r_.sample_rate);
    archive.field("id", r_.id);
    archive.field("knock", r_.knock);
    archive.field("buttons", r_.buttons);
    archive.field("dx", r_.dx);
    archive.field("dy", r_.dy);
    archive.field("dz", r_.dz);
    if (!archive.loading()) return;
    if (r_.sample_rate == 0) r_.sample_rate = 100;
    r_.dx = add_counts(0, r_.dx);
    r_.dy = add_counts(0, r_.dy);
    r_.dz = add_counts(0, r_.dz);
}

std::string Ps2Mouse::info() const {
    return fmt::format("mouse: id {}, {}{}, {} samples/s, resolution {}, buttons {:05b}, {} bytes wait\n", r_.id,
                       r_.remote ? "remote" : "stream", r_.reporting ? " on" : " off", r_.sample_rate, r_.resolution,
                       r_.buttons, answers_.size());
}

std::optional<u8> Ps2Mouse::take_output() {
    if (answers_.empty()) return std::nullopt;
    const u8 byte = answers_.pop();
    if (answers_.empty()) report_soon();
    return sent(byte);
}

void Ps2Mouse::restore_defaults() {
    r_.remote = r_.wrap = r_.reporting = r_.scaling_2_1 = false;
    r_.resolution = 2;
    r_.sample_rate = 100;
    line_.command = 0;
    forget_movement();
    sample_timer_.disarm();
}

void Ps2Mouse::accept(u8 byte) {
    if (r_.wrap && byte != 0xEC && byte != 0xFF) {
        respond(byte);
        return;
    }
    answers_.clear();  // a command ends what was being sent
    if (line_.command != 0) {
        argument(byte);
    } else {
        command(byte);
    }
}

void Ps2Mouse::command(u8 byte) {
    switch (byte) {
        case 0xE6:
        case 0xE7:
            r_.scaling_2_1 = byte == 0xE7;
            respond(kAck);
            break;
        case 0xE8:
        case 0xF3:
            await_argument(byte);
            break;
        case 0xE9: {
            respond(kAck);
            const unsigned flags = (bit(r_.buttons, 0) ? 4u : 0u) | (bit(r_.buttons, 2) ? 2u : 0u) |
                                   (bit(r_.buttons, 1) ? 1u : 0u) | (r_.scaling_2_1 ? 0x10u : 0u) |
                                   (r_.reporting ? 0x20u : 0u) | (r_.remote ? 0x40u : 0u);
            respond(static_cast<u8>(flags));
            respond(r_.resolution);
            respond(r_.sample_rate);
            break;
        }
        case 0xEA:
        case 0xF0:
            r_.remote = byte == 0xF0;
            forget_movement();
            respond(kAck);
            break;
        case 0xEB:
            respond(kAck);
            send_packet(false);
            break;
        case 0xEC:
        case 0xEE:
            r_.wrap = byte == 0xEE;
            respond(kAck);
            break;
        case 0xF2:
            respond(kAck);
            respond(r_.id);
            break;
        case 0xF4:
        case 0xF5:
            r_.reporting = byte == 0xF4;
            forget_movement();
            respond(kAck);
            break;
        case 0xF6:
            restore_defaults();
            respond(kAck);
            break;
        default:
            common_command(byte);
            break;
    }
}

void Ps2Mouse::prepare_self_test() {
    restore_defaults();
    r_.id = 0;
    r_.knock = 0;
}

void Ps2Mouse::self_test_passed() { respond(r_.id); }

void Ps2Mouse::forget_movement() {
    r_.dx = r_.dy = r_.dz = 0;
    r_.changed = false;
}

void Ps2Mouse::argument(u8 byte) {
    const u8 which = line_.command;
    line_.command = 0;
    if (which == 0xE8 && byte <= 3) {
        r_.resolution = byte;
    } else if (which == 0xF3 &&
               (byte == 10 || byte == 20 || byte == 40 || byte == 60 || byte == 80 || byte == 100 || byte == 200)) {
        r_.sample_rate = byte;
        note_sample_rate(byte);
    } else {
        respond(kResend);
        return;
    }
    respond(kAck);
}

/// 200, 100, 80 unlocks the wheel; then 200, 200, 80 the side buttons.
void Ps2Mouse::note_sample_rate(u8 rate) {
    constexpr u8 kSawFirst = 1, kSaw100 = 2, kSaw200 = 3;
    if (rate == 80 && r_.knock == kSaw100 && r_.id == 0) r_.id = 3;
    if (rate == 80 && r_.knock == kSaw200 && r_.id == 3) r_.id = 4;
    if (rate == 200) {
        r_.knock = r_.knock == kSawFirst ? kSaw200 : kSawFirst;
    } else {
        r_.knock = rate == 100 && r_.knock == kSawFirst ? kSaw100 : u8{0};
    }
}

void Ps2Mouse::move(int dx, int dy, int dz) {
    r_.dx = add_counts(r_.dx, dx);
    r_.dy = add_counts(r_.dy, dy == std::numeric_limits<int>::min() ? kCountMax : -dy);
    r_.dz = add_counts(r_.dz, dz);
    if (dx != 0 || dy != 0 || (dz != 0 && r_.id >= 3)) r_.changed = true;
    report_soon();
}

void Ps2Mouse::report() {
    r_.changed = true;
    report_soon();
}

void Ps2Mouse::buttons(u8 mask) {
    mask &= 0x1F;
    if (mask == r_.buttons) return;
    r_.buttons = mask;
    r_.changed = true;
    report_soon();
}

bool Ps2Mouse::report_wanted() const { return reports() && r_.changed; }

/// In stream mode a packet goes out at the sample rate, as long as there is news.
void Ps2Mouse::report_soon() {
    if (!report_wanted() || sample_timer_.armed()) return;
    sample_timer_.arm(scheduler_.now() + 1'000'000'000 / r_.sample_rate);
}

void Ps2Mouse::sample() {
    if (!report_wanted() || !answers_.empty() || line_.command != 0) return;  // take_output asks again
    send_packet(r_.scaling_2_1);
}

/// Three or four bytes; what does not fit stays for the next packet.
void Ps2Mouse::send_packet(bool scale) {
    const i32 dx = std::clamp(r_.dx, -255, 255), dy = std::clamp(r_.dy, -255, 255);
    r_.dx -= dx;
    r_.dy -= dy;
    const int x = std::clamp(scale ? scaled(dx) : dx, -256, 255);
    const int y = std::clamp(scale ? scaled(dy) : dy, -256, 255);
    u8 first = static_cast<u8>(0x08 | (r_.buttons & 7));
    if (x < 0) first |= 0x10;
    if (y < 0) first |= 0x20;
    if (scale && std::abs(scaled(dx)) > 255) first |= 0x40;
    if (scale && std::abs(scaled(dy)) > 255) first |= 0x80;
    respond(first);
    respond(static_cast<u8>(x));
    respond(static_cast<u8>(y));
    if (r_.id >= 3) {
        const i32 dz = std::clamp(r_.dz, -8, 7);
        r_.dz -= dz;
        u8 fourth = static_cast<u8>(dz);
        if (r_.id == 4) fourth = static_cast<u8>((dz & 0x0F) | (r_.buttons & 0x18) << 1);
        respond(fourth);
    } else {
        r_.dz = 0;
    }
    r_.changed = r_.dx != 0 || r_.dy != 0 || r_.dz != 0;
}

}  // namespace bantam::devices
