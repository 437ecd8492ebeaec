#include "machine/trace/disk_commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bits.h"

namespace bantam {
namespace {

constexpr unsigned kCount = 2, kLow = 3, kMid = 4, kHigh = 5, kDevice = 6, kCommand = 7;
constexpr std::size_t kPacketBytes = 12;
constexpr u8 kPacket = 0xA0;

struct Name {
    u8 code;
    const char* text;
    bool wide = false;     // 48-bit addresses
    bool sectors = false;  // it has address and count
};
constexpr std::array kNames{
    Name{0x20, "READ SECTORS", false, true},
    Name{0x24, "READ SECTORS EXT", true, true},
    Name{0x25, "READ DMA EXT", true, true},
    Name{0x30, "WRITE SECTORS", false, true},
    Name{0x34, "WRITE SECTORS EXT", true, true},
    Name{0x35, "WRITE DMA EXT", true, true},
    Name{0x40, "READ VERIFY", false, true},
    Name{0xC4, "READ MULTIPLE", false, true},
    Name{0xC5, "WRITE MULTIPLE", false, true},
    Name{0xC8, "READ DMA", false, true},
    Name{0xCA, "WRITE DMA", false, true},
    Name{0x08, "DEVICE RESET"},
    Name{0x90, "EXECUTE DEVICE DIAGNOSTIC"},
    Name{0x91, "INITIALIZE DEVICE PARAMETERS"},
    Name{kPacket, "PACKET"},
    Name{0xA1, "IDENTIFY PACKET DEVICE"},
    Name{0xC6, "SET MULTIPLE MODE"},
    Name{0xE7, "FLUSH CACHE"},
    Name{0xEA, "FLUSH CACHE EXT"},
    Name{0xEC, "IDENTIFY DEVICE"},
    Name{0xEF, "SET FEATURES"},
};

}  // namespace

const char* DiskCommands::drive() const { return bit(now_[kDevice], 4) ? "slave" : "master"; }

void DiskCommands::written(u16 port, unsigned size, u32 value) {
    const unsigned offset = port - base_;
    if (port < base_ || offset > kCommand) return;
    if (offset == 0) return packet_data(size, value);
    before_.at(offset) = now_.at(offset);
    now_.at(offset) = static_cast<u8>(value);
    if (offset == kCommand) command(static_cast<u8>(value));
}

void DiskCommands::command(u8 code) {
    in_packet_ = code == kPacket;
    packet_.clear();
    if (in_packet_) return;  // told when the packet is there
    const auto* name = std::find_if(kNames.begin(), kNames.end(), [code](const Name& n) { return n.code == code; });
    std::string text = fmt::format("disk {} {} {:02x}h", channel_, drive(), code);
    if (name != kNames.end()) text += fmt::format(" {}", name->text);
    if (name != kNames.end() && name->sectors) {
        u64 address = now_[kLow] | u64{now_[kMid]} << 8 | u64{now_[kHigh]} << 16;
        u32 count = now_[kCount];
        if (name->wide) {
            address |= u64{before_[kLow]} << 24 | u64{before_[kMid]} << 32 | u64{before_[kHigh]} << 40;
            count |= u32{before_[kCount]} << 8;
        } else {
            address |= u64{now_[kDevice] & 0x0Fu} << 24;
        }
        if (count == 0) count = name->wide ? 65536 : 256;
        const bool linear = bit(now_[kDevice], 6);
        text += linear ? fmt::format(" sector {}", address)
                       : fmt::format(" cylinder {} head {} sector {}", now_[kMid] | now_[kHigh] << 8,
                                     now_[kDevice] & 0x0F, now_[kLow]);
        text += fmt::format(" count {}", count);
    }
    tell_(std::move(text));
}

void DiskCommands::packet_data(unsigned size, u32 value) {
    if (!in_packet_) return;
    for (unsigned i = 0; i < size && packet_.size() < kPacketBytes; ++i)
        packet_.push_back(static_cast<u8>(value >> (8 * i)));
    if (packet_.size() < kPacketBytes) return;
    in_packet_ = false;
    tell_(fmt::format("disk {} {} packet {:02x}", channel_, drive(), fmt::join(packet_, " ")));
}

}  // namespace bantam
