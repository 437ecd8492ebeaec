// ACPI and MP tables: checksums and links as an operating system follows them; the DSDT through Intel's disassembler
// and compiler where they are installed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>

#include "machine/boot/acpi_tables.h"
#include "machine/boot/e820.h"
#include "machine/boot/low_memory.h"
#include "machine/boot/mp_table.h"
#include "tests/machine_boot/images.h"

namespace bantam::boot::test {
namespace {

u8 sum(std::span<const u8> bytes) { return static_cast<u8>(std::accumulate(bytes.begin(), bytes.end(), 0u)); }

BoardDescription board() {
    BoardDescription description;
    description.serial = {true, true, false, true};
    description.cpu_signature = 0x633;
    description.cpu_features = 0x0383FBFF;
    description.pvpanic = true;
    return description;
}

/// All tables that the list at `at` (entries of `entry` bytes) leads to, by signature; checks each checksum.
std::map<std::string, std::vector<u8>> follow(PhysicalMemory& memory, u64 at, unsigned entry) {
    std::map<std::string, std::vector<u8>> tables;
    const std::vector<u8> list = bytes_at(memory, at, memory.peek({at + 4}, 4));
    EXPECT_EQ(sum(list), 0);
    for (u64 offset = 36; offset < list.size(); offset += entry) {
        const u64 table = entry == 4 ? read_le<u32>(list, offset) : read_le<u64>(list, offset);
        std::vector<u8> bytes = bytes_at(memory, table, memory.peek({table + 4}, 4));
        EXPECT_EQ(sum(bytes), 0);
        tables[std::string(bytes.begin(), bytes.begin() + 4)] = std::move(bytes);
    }
    return tables;
}

TEST(AcpiTables, FoundAndLinked) {
    const auto memory = make_memory(16);
    const Physical rsdp = install_acpi_tables(*memory, board());
    EXPECT_EQ(rsdp.value % 16, 0u);
    EXPECT_GE(rsdp.value, 0xE0000u);
    const std::vector<u8> root = bytes_at(*memory, rsdp.value, 36);
    EXPECT_EQ(std::string(root.begin(), root.begin() + 8), "RSD PTR ");
    EXPECT_EQ(sum(std::span(root).first(20)), 0);
    EXPECT_EQ(sum(root), 0);
    const auto by_rsdt = follow(*memory, read_le<u32>(root, 16), 4);
    const auto by_xsdt = follow(*memory, read_le<u64>(root, 24), 8);
    EXPECT_EQ(by_rsdt, by_xsdt);
    ASSERT_EQ(by_rsdt.size(), 3u);

    const std::vector<u8>& fadt = by_rsdt.at("FACP");
    ASSERT_EQ(fadt.size(), 244u);
    EXPECT_EQ(read_le<u16>(fadt, 46), 9);  // SCI_INT
    EXPECT_EQ(read_le<u32>(fadt, 48), 0xB2u);
    EXPECT_EQ(read_le<u32>(fadt, 56), 0x600u);
    EXPECT_EQ(read_le<u32>(fadt, 64), 0x604u);
    EXPECT_EQ(read_le<u32>(fadt, 76), 0x608u);
    EXPECT_EQ(read_le<u32>(fadt, 80), 0x60Cu);
    EXPECT_EQ(fadt[88], 4);  // PM1_EVT_LEN
    EXPECT_EQ(fadt[91], 4);  // PM_TMR_LEN
    EXPECT_EQ(fadt[92], 4);  // GPE0_BLK_LEN
    EXPECT_EQ(read_le<u64>(fadt, 120), 0xCF9u);
    EXPECT_EQ(fadt[128], 6);
    EXPECT_EQ(read_le<u64>(fadt, 152), 0x600u);  // X_PM1a_EVT_BLK
    EXPECT_EQ(read_le<u64>(fadt, 212), 0x608u);  // X_PM_TMR_BLK
    EXPECT_EQ(read_le<u32>(fadt, 36) % 64, 0u);
    EXPECT_EQ(memory->peek({read_le<u32>(fadt, 36)}, 4), 0x53434146u);  // FACS
    EXPECT_EQ(memory->peek({read_le<u32>(fadt, 40)}, 4), 0x54445344u);  // DSDT

    const std::vector<u8>& madt = by_rsdt.at("APIC");
    std::map<u8, unsigned> entries;
    for (u64 at = 44; at < madt.size(); at += madt[at + 1]) ++entries[madt[at]];
    EXPECT_EQ(entries, (std::map<u8, unsigned>{{0, 1}, {1, 1}, {2, 2}, {4, 1}}));
    EXPECT_EQ(by_rsdt.at("HPET").size(), 56u);
}

TEST(AcpiTables, NoMadtWithoutApics) {
    const auto memory = make_memory(16);
    BoardDescription description = board();
    description.local_apic_ids.clear();
    const Physical rsdp = install_acpi_tables(*memory, description);
    EXPECT_EQ(follow(*memory, memory->peek(rsdp + 16, 4), 4).count("APIC"), 0u);
    install_mp_table(*memory, description);
    EXPECT_EQ(memory->peek({low_memory::kMpTable}, 4), 0u);
}

TEST(AcpiTables, DisassembleAndCompileAgain) {
    if (std::system("command -v iasl > /dev/null") != 0) FAIL() << "iasl (package acpica-tools) is not installed";
    namespace fs = std::filesystem;
    const fs::path folder = fs::path(testing::TempDir()) / ("tables_" + std::to_string(getpid()));
    fs::create_directories(folder);
    const auto memory = make_memory(16);
    const Physical rsdp = install_acpi_tables(*memory, board());
    auto tables = follow(*memory, memory->peek(rsdp + 16, 4), 4);
    tables["DSDT"] = make_dsdt(board());
    for (const auto& [signature, bytes] : tables) {
        const fs::path file = folder / (signature + ".dat");
        std::ofstream(file, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        const std::string log = (folder / "log").string();
        const std::string base = (folder / signature).string();
        // Exact: the compiled disassembly must be the same table; -we makes warnings errors,
        // except that of Processor objects, which systems before ACPI 6 look for.
        ASSERT_EQ(std::system(("iasl -d " + file.string() + " > " + log + " 2>&1").c_str()), 0) << signature;
        ASSERT_EQ(
            std::system(("iasl -we -vw 3168 -oa -p " + base + "_again " + base + ".dsl >> " + log + " 2>&1").c_str()),
            0)
            << signature << "\n"
            << (std::stringstream() << std::ifstream(log).rdbuf()).str();
        std::stringstream text;
        text << std::ifstream(log).rdbuf();
        EXPECT_EQ(text.str().find("Error  "), std::string::npos) << text.str();
        EXPECT_EQ(text.str().find("Invalid"), std::string::npos) << text.str();
        std::stringstream again;
        again << std::ifstream(base + "_again.aml", std::ios::binary).rdbuf();
        const std::string compiled = again.str();
        ASSERT_EQ(compiled.size(), bytes.size()) << signature;
        EXPECT_TRUE(std::equal(bytes.begin() + 36, bytes.end(), compiled.begin() + 36, [](u8 a, char b) {
            return a == static_cast<u8>(b);
        })) << signature;
    }
    fs::remove_all(folder);
}

TEST(MpTable, FoundByItsPointerAndWhole) {
    const auto memory = make_memory(16);
    BoardDescription description = board();
    description.local_apic_ids = {0, 1};
    install_mp_table(*memory, description);
    const std::vector<u8> pointer = bytes_at(*memory, low_memory::kMpTable, 16);
    EXPECT_EQ(std::string(pointer.begin(), pointer.begin() + 4), "_MP_");
    EXPECT_EQ(sum(pointer), 0);
    const u64 at = read_le<u32>(pointer, 4);
    const std::vector<u8> table = bytes_at(*memory, at, memory->peek({at + 4}, 2));
    EXPECT_EQ(std::string(table.begin(), table.begin() + 4), "PCMP");
    EXPECT_EQ(sum(table), 0);
    std::map<u8, unsigned> entries;
    unsigned count = 0;
    for (u64 offset = 44; offset < table.size(); offset += table[offset] == 0 ? 20 : 8) {
        ++entries[table[offset]];
        ++count;
    }
    EXPECT_EQ(count, read_le<u16>(table, 34));
    EXPECT_EQ(entries[0], 2u);
    EXPECT_EQ(entries[1], 2u);
    EXPECT_EQ(entries[2], 1u);
    EXPECT_EQ(entries[4], 2u);
}

TEST(BiosData, SaysWhatTextMode3Leaves) {
    const auto memory = make_memory(16);
    write_bios_data_area(*memory, {true, false, true, false});
    EXPECT_EQ(memory->peek({0x400}, 8), 0x000003E8000003F8u);
    EXPECT_EQ(memory->peek({0x40E}, 2), 0x9FC0u);
    EXPECT_EQ(memory->peek({0x413}, 2), 639u);
    EXPECT_EQ(memory->peek({0x449}, 1), 3u);
    EXPECT_EQ(memory->peek({0x463}, 2), 0x3D4u);
    EXPECT_EQ(memory->peek({0x411}, 1) >> 1 & 7, 2u);  // serial ports
}

TEST(MemoryRanges, AscendingWithoutOverlap) {
    for (const u64 mebibytes : {2u, 16u, 3072u, 3073u, 5000u}) {
        const auto memory = make_memory(mebibytes);
        u64 end = 0, ram = 0;
        for (const MemoryRange& range : memory_ranges(*memory)) {
            EXPECT_GE(range.base, end);
            end = range.base + range.size;
            if (range.type == MemoryRange::Type::ram) ram += range.size;
        }
        EXPECT_EQ(ram, (mebibytes << 20) - (0x100000 - 0x9FC00));
    }
}

}  // namespace
}  // namespace bantam::boot::test
