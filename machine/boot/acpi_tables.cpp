#include "machine/boot/acpi_tables.h"

#include "base/bits.h"
#include "base/check.h"
#include "machine/boot/little_endian.h"
#include "machine/boot/low_memory.h"
#include "machine/boot/sdt.h"

namespace bantam::boot {
namespace {

/// Generic address structure (5.2.3.2) of I/O ports.
void append_io_address(std::vector<u8>& body, u16 port, u8 bytes) {
    body.insert(body.end(), {1, static_cast<u8>(8 * bytes), 0, bytes == 4 ? u8{3} : bytes});
    append_le<u64>(body, port);
}

void append_no_address(std::vector<u8>& body) { body.insert(body.end(), 12, u8{0}); }

/// Flags of the FADT (table 5.10): WBINVD works, C1 on every processor, no fixed sleep button, reset register present.
constexpr u32 kFadtFlags = 1u << 0 | 1u << 2 | 1u << 5 | 1u << 10;
constexpr u16 kResetPort = 0xCF9;
constexpr u8 kResetValue = 6;

std::vector<u8> make_fadt(u16 pm_base, u64 facs, u64 dsdt) {
    const u16 events = pm_base;
    const auto control = static_cast<u16>(pm_base + 4), timer = static_cast<u16>(pm_base + 8),
               gpe0 = static_cast<u16>(pm_base + 0xC);
    constexpr u16 kNoState = 0xFFF;  // C2 and C3 latencies that mean "not supported"
    std::vector<u8> body;
    append_le<u32>(body, static_cast<u32>(facs));
    append_le<u32>(body, static_cast<u32>(dsdt));
    body.push_back(0);
    body.push_back(1);  // preferred profile: desktop
    append_le<u16>(body, kSciIrq);
    append_le<u32>(body, kSmiCommandPort);
    body.insert(body.end(), {kAcpiEnable, kAcpiDisable, 0, 0});  // no S4BIOS, no P-states
    append_le<u32>(body, events);
    append_le<u32>(body, 0);
    append_le<u32>(body, control);
    append_le<u32>(body, 0);
    append_le<u32>(body, 0);
    append_le<u32>(body, timer);
    append_le<u32>(body, gpe0);
    append_le<u32>(body, 0);
    body.insert(body.end(), {4, 2, 0, 4, 4, 0, 0, 0});  // lengths of the blocks above; no GPE1, no C-state control
    append_le<u16>(body, kNoState);
    append_le<u16>(body, kNoState);
    append_le<u16>(body, 0);  // flush size and stride: WBINVD is used
    append_le<u16>(body, 0);
    constexpr u8 kCenturyRegister = 0x32;
    body.insert(body.end(), {0, 0, 0, 0, kCenturyRegister});  // no duty cycle, no day or month alarm
    append_le<u16>(body, 3);                                  // legacy devices and an 8042
    body.push_back(0);
    append_le<u32>(body, kFadtFlags);
    append_io_address(body, kResetPort, 1);
    body.insert(body.end(), {kResetValue, 0, 0, 0});
    append_le<u64>(body, facs);
    append_le<u64>(body, dsdt);
    append_io_address(body, events, 4);
    append_no_address(body);
    append_io_address(body, control, 2);
    append_no_address(body);
    append_no_address(body);
    append_io_address(body, timer, 4);
    append_io_address(body, gpe0, 4);
    append_no_address(body);
    constexpr u8 kRevision = 3;
    CHECK(kSdtHeaderBytes + body.size() == 244);
    return make_sdt("FACP", kRevision, body);
}

std::vector<u8> make_facs() {
    std::vector<u8> table;
    append_text(table, "FACS", 4);
    append_le<u32>(table, 64);
    table.resize(64);
    table[32] = 1;  // version
    return table;
}

void append_override(std::vector<u8>& body, u8 irq, u32 input, u16 flags) {
    body.insert(body.end(), {2, 10, 0, irq});
    append_le<u32>(body, input);
    append_le<u16>(body, flags);
}

std::vector<u8> make_madt(const BoardDescription& board) {
    constexpr u16 kConforms = 0, kLevelActiveHigh = 0xD;
    std::vector<u8> body;
    append_le<u32>(body, kLocalApicBase);
    append_le<u32>(body, 1);  // a pair of 8259As as well
    for (std::size_t i = 0; i < board.local_apic_ids.size(); ++i) {
        body.insert(body.end(), {0, 8, static_cast<u8>(i), board.local_apic_ids[i]});
        append_le<u32>(body, 1);  // enabled
    }
    body.insert(body.end(), {1, 12, kIoApicId, 0});
    append_le<u32>(body, kIoApicBase);
    append_le<u32>(body, 0);  // first global interrupt
    append_override(body, 0, 2, kConforms);
    append_override(body, kSciIrq, kSciIrq, kLevelActiveHigh);
    body.insert(body.end(), {4, 6, 0xFF, 0, 0, 1});  // NMI at LINT1 of every processor
    return make_sdt("APIC", 1, body);
}

std::vector<u8> make_hpet() {
    std::vector<u8> body;
    append_le<u32>(body, 0x8086A201);  // vendor; legacy route; 64-bit; three comparators; revision 1
    body.insert(body.end(), {0, 64, 0, 0});
    append_le<u64>(body, kHpetBase);
    body.push_back(0);
    append_le<u16>(body, 100);  // least periodic count: 10 us
    body.push_back(0);
    return make_sdt("HPET", 1, body);
}

template <class T>
std::vector<u8> make_table_list(std::string_view signature, const std::vector<u64>& tables) {
    std::vector<u8> body;
    for (const u64 table : tables) append_le<T>(body, static_cast<T>(table));
    return make_sdt(signature, 1, body);
}

constexpr std::size_t kRsdpVersion1Bytes = 20, kRsdpChecksum = 8, kRsdpExtendedChecksum = 32;

std::vector<u8> make_rsdp(u64 rsdt, u64 xsdt) {
    std::vector<u8> rsdp;
    append_text(rsdp, "RSD PTR ", 8);
    rsdp.push_back(0);
    append_text(rsdp, "BANTAM", 6);
    rsdp.push_back(2);  // revision
    append_le<u32>(rsdp, static_cast<u32>(rsdt));
    append_le<u32>(rsdp, 36);
    append_le<u64>(rsdp, xsdt);
    append_le<u32>(rsdp, 0);
    rsdp[kRsdpChecksum] = checksum_of(std::span(rsdp).first(kRsdpVersion1Bytes));
    rsdp[kRsdpExtendedChecksum] = checksum_of(rsdp);
    return rsdp;
}

/// Places tables one after the other, 64-byte aligned as the FACS must be.
class TableArea {
public:
    explicit TableArea(u64 base) : base_(base) {}
    u64 place(const std::vector<u8>& table) {
        bytes.resize(align_up(bytes.size(), 64));
        const u64 at = base_ + bytes.size();
        bytes.insert(bytes.end(), table.begin(), table.end());
        return at;
    }
    std::vector<u8> bytes;

private:
    u64 base_;
};

}  // namespace

AcpiImage make_acpi_image(const BoardDescription& board, u64 base) {
    constexpr u64 kFadtFacs = 36, kFadtDsdt = 40, kFadtXFacs = 132, kFadtXDsdt = 140;
    constexpr u64 kRsdpRsdt = 16, kRsdpXsdt = 24, kSdtChecksum = 9;
    AcpiImage image;
    TableArea area(base);
    std::vector<AcpiImage::Checksum>& sums = image.checksums;
    const auto place = [&](const std::vector<u8>& table) {
        const u64 at = area.place(table);
        sums.push_back({at - base + kSdtChecksum, at - base, table.size()});
        return at;
    };
    const u64 facs = area.place(make_facs());
    const u64 dsdt = place(make_dsdt(board));
    const u64 fadt = place(make_fadt(board.pm_base, facs, dsdt));
    for (const auto& [offset, size] :
         {std::pair<u64, u8>{kFadtFacs, 4}, {kFadtDsdt, 4}, {kFadtXFacs, 8}, {kFadtXDsdt, 8}})
        image.pointers.push_back({fadt - base + offset, size});
    std::vector<u64> tables{fadt};
    if (!board.local_apic_ids.empty()) tables.push_back(place(make_madt(board)));
    tables.push_back(place(make_hpet()));
    const u64 rsdt = place(make_table_list<u32>("RSDT", tables));
    const u64 xsdt = place(make_table_list<u64>("XSDT", tables));
    for (std::size_t i = 0; i < tables.size(); ++i) {
        image.pointers.push_back({rsdt - base + kSdtHeaderBytes + 4 * i, 4});
        image.pointers.push_back({xsdt - base + kSdtHeaderBytes + 8 * i, 8});
    }
    image.rsdp = make_rsdp(rsdt, xsdt);
    image.rsdp_pointers = {{kRsdpRsdt, 4}, {kRsdpXsdt, 8}};
    image.rsdp_checksums = {{kRsdpChecksum, 0, kRsdpVersion1Bytes}, {kRsdpExtendedChecksum, 0, image.rsdp.size()}};
    image.tables = std::move(area.bytes);
    return image;
}

Physical install_acpi_tables(PhysicalMemory& memory, const BoardDescription& board) {
    const AcpiImage image = make_acpi_image(board, low_memory::kAcpiTables);
    CHECK(low_memory::kAcpiTables + image.tables.size() <= low_memory::kMpTable);
    memory.copy_in({low_memory::kAcpiTables}, image.tables);
    memory.copy_in({low_memory::kRsdp}, image.rsdp);
    return {low_memory::kRsdp};
}

}  // namespace bantam::boot
