// AtapiCdrom's packet commands that answer about drive and disc (MMC-3, SPC-2).
#include <algorithm>
#include <string_view>

#include "base/bits.h"
#include "devices/atapi_cdrom.h"
#include "devices/atapi_packet.h"

namespace bantam::devices {
namespace {

using namespace packet;

constexpr u32 kLargestReply = 256;
constexpr u8 kLeadOut = 0xAA;

/// Writes replies at the start of the drive's buffer.
class Reply {
public:
    explicit Reply(std::vector<u8>& buffer) : buffer_(buffer) { std::fill_n(buffer_.begin(), kLargestReply, u8{0}); }
    Reply& byte(u32 value) { return put(value, 1); }
    Reply& word(u32 value) { return put(value, 2); }
    Reply& dword(u32 value) { return put(value, 4); }
    Reply& text(std::string_view string, unsigned width) {
        for (unsigned i = 0; i < width; ++i) byte(i < string.size() ? static_cast<u8>(string[i]) : u8{' '});
        return *this;
    }
    /// A block address, or minute, second, frame (MMC-3: address 0 is 00:02:00).
    Reply& address(u32 lba, bool msf) {
        if (!msf) return dword(lba);
        constexpr u32 kFrames = 75, kSeconds = 60, kPregap = 150;
        const u64 frames = u64{lba} + kPregap;
        return byte(0)
            .byte(static_cast<u8>(frames / kFrames / kSeconds))
            .byte(static_cast<u8>(frames / kFrames % kSeconds))
            .byte(static_cast<u8>(frames % kFrames));
    }
    /// Sets the length field of `size` bytes at the start to what follows it.
    u32 finish_length(unsigned size) {
        put_be(buffer_, 0, length_ - size, size);
        return length_;
    }
    [[nodiscard]] u32 length() const { return length_; }

private:
    Reply& put(u32 value, unsigned size) {
        put_be(buffer_, length_, value, size);
        length_ += size;
        return *this;
    }
    std::vector<u8>& buffer_;
    u32 length_ = 0;
};

}  // namespace

void AtapiCdrom::request_sense() {
    if (s_.attention) {
        s_.attention = false;
        s_.sense = kUnitAttention;
        s_.asc = s_.attention_asc;
        s_.ascq = 0;
    }
    Reply answer(buffer());
    answer.byte(0x70).byte(0).byte(s_.sense).dword(0).byte(10).dword(0).byte(s_.asc).byte(s_.ascq).dword(0);
    s_.sense = s_.asc = s_.ascq = 0;
    reply(answer.length(), s_.packet[4]);
}

void AtapiCdrom::inquiry() {
    if (bit(s_.packet[1], 0) || s_.packet[2] != 0) return packet_failed({kIllegalRequest, kAscInvalidField, 0});
    Reply answer(buffer());
    answer.byte(0x05).byte(0x80).byte(0).byte(0x21).byte(31).byte(0).word(0);  // CD-ROM, removable, ATAPI
    answer.text("BANTAM", 8).text("CD-ROM", 16).text("1.0", 4);
    reply(answer.length(), s_.packet[4]);
}

void AtapiCdrom::start_stop() {
    const bool load_eject = bit(s_.packet[4], 1), start = bit(s_.packet[4], 0);
    if (!load_eject) return packet_done();
    if (start) {
        if (s_.tray_open && medium_ != nullptr) s_.event = kNewMedia;
        move_tray(false);
    } else {
        if (s_.locked) return packet_failed({kIllegalRequest, kAscRemovalPrevented, 2});
        if (!s_.tray_open && medium_ != nullptr) s_.event = kMediaRemoval;
        move_tray(true);
    }
    packet_done();
}

void AtapiCdrom::read_toc() {
    const auto& p = s_.packet;
    if (!require_medium()) return;
    const bool msf = bit(p[1], 1);
    const u8 format = (p[2] & 0x0F) != 0 ? p[2] & 0x0F : p[9] >> 6;  // the old place of the format, as SFF-8020i had it
    const u8 track = p[6];
    Reply answer(buffer());
    answer.word(0).byte(1).byte(1);
    switch (format) {
        case 0:
            if (track > 1 && track != kLeadOut) return packet_failed({kIllegalRequest, kAscInvalidField, 0});
            if (track <= 1) answer.byte(0).byte(0x14).byte(1).byte(0).address(0, msf);
            answer.byte(0).byte(0x14).byte(kLeadOut).byte(0).address(blocks(), msf);
            break;
        case 1:
            answer.byte(0).byte(0x14).byte(1).byte(0).address(0, msf);
            break;
        case 2: {
            // Points A0h-A2h and track 1; addresses are always MSF here.
            const auto point = [&answer](u8 number) { answer.byte(1).byte(0x14).byte(0).byte(number).byte(0).word(0); };
            point(0xA0);
            answer.byte(0).byte(1).byte(0).byte(0);
            point(0xA1);
            answer.byte(0).byte(1).byte(0).byte(0);
            point(0xA2);
            answer.address(blocks(), true);
            point(1);
            answer.address(0, true);
            break;
        }
        default:
            return packet_failed({kIllegalRequest, kAscInvalidField, 0});
    }
    reply(answer.finish_length(2), get_be(p, 7, 2));
}

void AtapiCdrom::get_configuration() {
    const auto& p = s_.packet;
    const u8 which = p[1] & 3;
    const u32 starting = get_be(p, 2, 2);
    constexpr u32 kProfileCdRom = 0x0008;
    Reply answer(buffer());
    answer.dword(0).word(0).word(ready() ? kProfileCdRom : 0);
    struct Feature {
        u32 code;
        u8 flags;  // version, persistent, current
        std::vector<u8> data;
    };
    const u8 current = ready() ? 1 : 0;
    const std::array<Feature, 5> features{{{0x0000, 0x03, {0, 8, current, 0}},           // profile list
                                           {0x0001, 0x03, {0, 0, 0, 2}},                 // core: ATAPI
                                           {0x0003, 0x03, {0x29, 0, 0, 0}},              // tray, eject, lock
                                           {0x0010, current, {0, 0, 8, 0, 0, 1, 0, 0}},  // random readable, 2048 bytes
                                           {0x001E, current, {0, 0, 0, 0}}}};            // CD read
    for (const Feature& feature : features) {
        if (feature.code < starting || (which == 2 && feature.code != starting)) continue;
        if (which == 1 && !bit(feature.flags, 0)) continue;
        answer.word(feature.code).byte(feature.flags).byte(static_cast<u32>(feature.data.size()));
        for (const u8 byte : feature.data) answer.byte(byte);
    }
    reply(answer.finish_length(4), get_be(p, 7, 2));
}

void AtapiCdrom::event_status() {
    const auto& p = s_.packet;
    constexpr u8 kMediaClass = 0x10;
    if (!bit(p[1], 0)) return packet_failed({kIllegalRequest, kAscInvalidField, 0});  // asynchronous operation
    Reply answer(buffer());
    if ((p[4] & kMediaClass) == 0) {
        answer.word(2).byte(0x80).byte(kMediaClass);  // no event of these classes
    } else {
        answer.word(6).byte(4).byte(kMediaClass).byte(s_.event);
        answer.byte((s_.tray_open ? 1u : 0u) | (ready() ? 2u : 0u)).word(0);
        s_.event = kNoEvent;
    }
    reply(answer.length(), get_be(p, 7, 2));
}

void AtapiCdrom::mechanism_status() {
    Reply answer(buffer());
    answer.byte(0).byte(s_.tray_open ? 0x10 : 0).byte(0).byte(0).byte(0).byte(1).word(0);
    reply(answer.length(), get_be(s_.packet, 8, 2));
}

void AtapiCdrom::disc_information() {
    if (!require_medium()) return;
    Reply answer(buffer());
    answer.word(0).byte(0x0E);                          // not erasable, last session and disc complete
    answer.byte(1).byte(1).byte(1).byte(1);             // first track, sessions, tracks of the last session
    answer.byte(0x20).byte(0).byte(0).byte(0).byte(0);  // unrestricted use; CD-ROM
    answer.dword(0).dword(0xFFFFFFFF).dword(0xFFFFFFFF).dword(0).dword(0).word(0);
    reply(answer.finish_length(2), get_be(s_.packet, 7, 2));
}

void AtapiCdrom::mode_sense() {
    const auto& p = s_.packet;
    constexpr u8 kErrorRecovery = 0x01, kCapabilities = 0x2A, kAllPages = 0x3F;
    constexpr u8 kSaved = 3;
    const u8 page = p[2] & 0x3F;
    if (p[2] >> 6 == kSaved) return packet_failed({kIllegalRequest, 0x39, 0});
    const bool changeable = p[2] >> 6 == 1;
    Reply answer(buffer());
    answer.word(0).byte(ready() ? 0x01 : s_.tray_open ? 0x71 : 0x70).byte(0).dword(0);  // medium type: data disc, none
    if (page == kErrorRecovery || page == kAllPages) {
        answer.byte(kErrorRecovery).byte(6).byte(0).byte(changeable ? 0 : 5).dword(0);
    }
    if (page == kCapabilities || page == kAllPages) {
        answer.byte(kCapabilities).byte(20);
        if (changeable) {
            answer.dword(0).dword(0).dword(0).dword(0).dword(0);
        } else {
            constexpr u32 kSpeed = 176 * 52;  // kB/s
            answer.byte(0).byte(0).byte(0).byte(0);
            answer.byte(0x29 | (s_.locked ? 2u : 0u))
                .byte(0)
                .word(kSpeed)
                .word(0)
                .word(512)
                .word(kSpeed)
                .dword(0)
                .word(0);
        }
    }
    if (answer.length() == 8) return packet_failed({kIllegalRequest, kAscInvalidField, 0});
    reply(answer.finish_length(2), get_be(p, 7, 2));
}

}  // namespace bantam::devices
