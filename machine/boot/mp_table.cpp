#include "machine/boot/mp_table.h"

#include <algorithm>

#include "machine/boot/little_endian.h"
#include "machine/boot/low_memory.h"
#include "machine/boot/sdt.h"

namespace bantam::boot {
namespace {

constexpr u8 kPciBus = 0, kIsaBus = 1;
enum InterruptType : u8 { kInt = 0, kNmi = 1, kExtInt = 3 };
enum InterruptFlags : u16 { kConforms = 0, kLevelActiveHigh = 0xD, kLevelActiveLow = 0xF };

/// Entries of the configuration table (4.3), counted.
class Entries {
public:
    void processor(u8 apic_id, bool bootstrap, u32 signature, u32 features) {
        constexpr u8 kApicVersion = 0x14;
        start({0, apic_id, kApicVersion, static_cast<u8>(bootstrap ? 3 : 1)});
        append_le<u32>(bytes_, signature);
        append_le<u32>(bytes_, features);
        append_le<u64>(bytes_, 0);
    }
    void bus(u8 id, std::string_view type) {
        start({1, id});
        append_text(bytes_, type, 6);
    }
    void io_apic(u8 id) {
        start({2, id, 0x20, 1});
        append_le<u32>(bytes_, kIoApicBase);
    }
    void io_interrupt(InterruptType type, u16 flags, u8 source_bus, u8 source, u8 input) {
        start({3, type, static_cast<u8>(flags), 0, source_bus, source, kIoApicId, input});
    }
    void local_interrupt(InterruptType type, u8 lint) {
        constexpr u8 kAllProcessors = 0xFF;
        start({4, type, 0, 0, kIsaBus, 0, kAllProcessors, lint});
    }
    [[nodiscard]] const std::vector<u8>& bytes() const { return bytes_; }
    [[nodiscard]] u16 count() const { return count_; }

private:
    void start(std::initializer_list<u8> first) {
        bytes_.insert(bytes_.end(), first);
        ++count_;
    }
    std::vector<u8> bytes_;
    u16 count_ = 0;
};

bool carries_pci(u8 irq) { return std::find(kPirqRoutes.begin(), kPirqRoutes.end(), irq) != kPirqRoutes.end(); }

Entries make_entries(const BoardDescription& board) {
    Entries entries;
    for (std::size_t i = 0; i < board.local_apic_ids.size(); ++i) {
        entries.processor(board.local_apic_ids[i], i == 0, board.cpu_signature, board.cpu_features);
    }
    entries.bus(kPciBus, "PCI");
    entries.bus(kIsaBus, "ISA");
    entries.io_apic(kIoApicId);
    entries.io_interrupt(kExtInt, kConforms, kIsaBus, 0, 0);  // the 8259A pair
    for (u8 irq = 0; irq < 16; ++irq) {
        constexpr u8 kCascade = 2;
        if (irq == kCascade || carries_pci(irq)) continue;
        const u16 flags = irq == kSciIrq ? kLevelActiveHigh : kConforms;
        entries.io_interrupt(kInt, flags, kIsaBus, irq, irq == 0 ? u8{2} : irq);
    }
    for (u8 slot = 1; slot < 32; ++slot) {
        for (u8 pin = 0; pin < 4; ++pin) {
            entries.io_interrupt(kInt, kLevelActiveLow, kPciBus, static_cast<u8>(slot << 2 | pin),
                                 kPirqRoutes.at(pirq_of(slot, pin)));
        }
    }
    entries.local_interrupt(kExtInt, 0);
    entries.local_interrupt(kNmi, 1);
    return entries;
}

}  // namespace

void install_mp_table(PhysicalMemory& memory, const BoardDescription& board) {
    if (board.local_apic_ids.empty()) return;
    constexpr u64 kFloatingBytes = 16, kTable = low_memory::kMpTable + kFloatingBytes;
    const Entries entries = make_entries(board);

    std::vector<u8> table;
    append_text(table, "PCMP", 4);
    constexpr std::size_t kHeaderBytes = 44, kTableChecksum = 7, kFloatingChecksum = 10;
    append_le<u16>(table, static_cast<u16>(kHeaderBytes + entries.bytes().size()));
    table.insert(table.end(), {4, 0});  // specification 1.4; checksum
    append_text(table, "BANTAM", 8);
    append_text(table, "PC", 12);
    append_le<u32>(table, 0);  // no OEM table
    append_le<u16>(table, 0);
    append_le<u16>(table, entries.count());
    append_le<u32>(table, kLocalApicBase);
    append_le<u32>(table, 0);  // no extended table
    CHECK(table.size() == kHeaderBytes);
    table.insert(table.end(), entries.bytes().begin(), entries.bytes().end());
    table[kTableChecksum] = checksum_of(table);
    CHECK(kTable + table.size() <= low_memory::kRsdp);
    memory.copy_in({kTable}, table);

    std::vector<u8> floating;
    append_text(floating, "_MP_", 4);
    append_le<u32>(floating, static_cast<u32>(kTable));
    floating.insert(floating.end(), {1, 4, 0, 0, 0, 0, 0, 0});  // one paragraph, 1.4; virtual wire mode
    floating[kFloatingChecksum] = checksum_of(floating);
    memory.copy_in({low_memory::kMpTable}, floating);
}

}  // namespace bantam::boot
