// I440fx: the host bridge of the 82441FX PMC (Intel 440FX datasheet, 290549), PCI 8086:1237 at 0:0.0. Its programmable
// attribute map (59h-5Fh) routes reads and writes of C0000h-FFFFFh to DRAM or to the bus (ROM), its SMRAM register
// (72h) does the same for A0000h-BFFFFh. The board does the mapping. DRAM timing and error registers are stored without
// effect: they have none on what software sees.
#pragma once

#include "devices/pci.h"

namespace bantam::devices {

class I440fx final : public PciFunction {
public:
    /// One stretch of the attribute map.
    struct Segment {
        u32 base = 0;
        u32 size = 0;
        bool read_dram = false;   // else reads go to the PCI bus: ROM
        bool write_dram = false;  // else writes go to the PCI bus: dropped by ROM
        bool operator==(const Segment&) const = default;
    };
    static constexpr unsigned kSegments = 13;
    struct Pins {
        std::function<void(const Segment&)> segment_changed;  // once per segment that changed; all on reset and load
        std::function<void()> smram_changed;
    };
    explicit I440fx(Pins pins);

    /// 0: F0000h-FFFFFh; 1..12: C0000h up in 16 KiB steps.
    [[nodiscard]] Segment segment(unsigned index) const;
    /// SMRAM (72h): DRAM is visible at A0000h outside SMM (D_OPEN and enabled); inside SMM (enabled, not D_CLS for
    /// data).
    [[nodiscard]] bool smram_open() const;
    [[nodiscard]] bool smram_enabled() const;
    [[nodiscard]] bool smram_closed_to_data() const;

    [[nodiscard]] std::string info() const override;

protected:
    void config_changed(unsigned offset, unsigned size) override;

private:
    Pins pins_;
    std::array<Segment, kSegments> reported_{};
};

}  // namespace bantam::devices
