#include "devices/smbus_host.h"

namespace bantam::devices {
namespace {
constexpr u64 kStatus = 0x0, kControl = 0x2, kBlockData = 0x7, kSlaveEvent = 0xA;
constexpr u8 kDeviceError = 1 << 2, kStatusBits = 0x1E;
constexpr u8 kInterruptEnable = 1 << 0, kStart = 1 << 6, kControlBits = 0x1F;

/// Registers that keep what is written. The slave's status and data registers (1, Ch, Dh) only other masters could
/// fill.
bool is_plain(u64 offset) {
    return (offset >= 0x3 && offset <= 0x6) || offset == 0x8 || offset == 0x9 || offset == kSlaveEvent ||
           offset == kSlaveEvent + 1;
}
}  // namespace

bool SmbusHost::interrupt_pending() const { return (control_ & kInterruptEnable) != 0 && status_ != 0; }

u8 SmbusHost::peek(u64 offset) const {
    if (offset == kStatus) return status_;
    if (offset == kControl) return control_;
    if (offset == kBlockData) return block_.at(block_index_);
    return is_plain(offset) ? plain_.at(offset) : u8{0};
}

u8 SmbusHost::read(u64 offset) {
    const u8 value = peek(offset);
    if (offset == kControl) block_index_ = 0;  // reading SMBHSTCNT rewinds the block buffer
    if (offset == kBlockData) block_index_ = (block_index_ + 1) % kBlockBytes;
    return value;
}

void SmbusHost::write(u64 offset, u8 value) {
    if (offset == kStatus) {
        status_ = static_cast<u8>(status_ & ~(value & kStatusBits));
    } else if (offset == kControl) {
        control_ = value & kControlBits;
        if ((value & kStart) != 0) status_ |= kDeviceError;
    } else if (offset == kBlockData) {
        block_.at(block_index_) = value;
        block_index_ = (block_index_ + 1) % kBlockBytes;
    } else if (is_plain(offset)) {
        plain_.at(offset) = value;
    }
}

void SmbusHost::describe(Archive& archive) {
    archive.field("status", status_);
    archive.field("control", control_);
    archive.field("block_index", block_index_);
    archive.field("block", block_);
    archive.field("plain", plain_);
    if (archive.loading()) block_index_ %= kBlockBytes;
}

}  // namespace bantam::devices
