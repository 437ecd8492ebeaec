// SmbusHost: the PIIX4's SMBus host controller registers (Intel 82371AB datasheet, 7.3). The bus is empty: every
// address goes unacknowledged, so a started transaction ends at once with DEV_ERR. Slave registers keep what is
// written; no other master ever addresses them.
#pragma once

#include <array>

#include "base/archive.h"
#include "base/types.h"

namespace bantam::devices {

class SmbusHost {
public:
    u8 read(u64 offset);
    [[nodiscard]] u8 peek(u64 offset) const;
    void write(u64 offset, u8 value);
    /// A status bit is set and SMBHSTCNT.INTEREN allows an interrupt.
    [[nodiscard]] bool interrupt_pending() const;
    void describe(Archive& archive);

private:
    static constexpr unsigned kBlockBytes = 32;
    u8 status_ = 0;       // SMBHSTSTS
    u8 control_ = 0;      // SMBHSTCNT
    u8 block_index_ = 0;  // of the next SMBBLKDAT access
    std::array<u8, kBlockBytes> block_{};
    std::array<u8, 16> plain_{};  // SMBHSTCMD, ADD, DAT0, DAT1, SMBSLVCNT, SMBSHDWCMD, SMBSLVEVT
};

}  // namespace bantam::devices
