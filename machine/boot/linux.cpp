#include "machine/boot/linux.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "machine/boot/e820.h"
#include "machine/boot/little_endian.h"
#include "machine/boot/low_memory.h"
#include "mmu/host_memory.h"

namespace bantam::boot {
namespace {

/// Offsets in the boot sector, equal to those in boot_params (zero page).
enum HeaderOffset : u64 {
    kSetupSects = 0x1F1,
    kSyssize = 0x1F4,
    kVidMode = 0x1FA,
    kBootFlag = 0x1FE,
    kJump = 0x200,
    kMagic = 0x202,
    kVersion = 0x206,
    kTypeOfLoader = 0x210,
    kLoadflags = 0x211,
    kCode32Start = 0x214,
    kRamdiskImage = 0x218,
    kRamdiskSize = 0x21C,
    kCmdLinePtr = 0x228,
    kInitrdAddrMax = 0x22C,
    kXloadflags = 0x236,
    kCmdlineSize = 0x238,
    kPrefAddress = 0x258,
    kInitSize = 0x260,
};
/// Offsets in boot_params alone.
enum ParamsOffset : u64 {
    kVideoMode = 0x06,
    kVideoCols = 0x07,
    kVideoLines = 0x0E,
    kVideoIsVga = 0x0F,
    kVideoPoints = 0x10,
    kApmBiosInfo = 0x40,
    kAcpiRsdp = 0x70,
    kAltMemK = 0x1E0,
    kE820Entries = 0x1E8,
    kE820Table = 0x2D0,
};

constexpr u32 kHdrS = 0x53726448;
constexpr u64 kLoadAddress = 0x100000;
constexpr u64 kSector = 512;

struct Header {
    u16 version = 0;
    u64 setup_bytes = 0;  // boot sector and setup code, before the protected-mode code
    u64 code_bytes = 0;   // protected-mode code, to the end of the file
    bool kernel64 = false;
    u64 initrd_max = 0;
    u64 command_line_max = 0;
    u64 runtime_end = 0;  // the kernel uses memory up to here before it reads the memory map
};

std::string version_text(u16 version) { return fmt::format("{}.{:02}", version >> 8, version & 0xFF); }

Result<Header> parse(const KernelImage& image) {
    const std::span<const u8> file = image.contents;
    Header header;
    header.version = read_le<u16>(file, kVersion);
    if (header.version < 0x0202) {
        return bad_image(image.name,
                         fmt::format("Linux boot protocol {} is too old: 2.02 or later (Linux 2.4) is needed",
                                     version_text(header.version)));
    }
    if ((read_le<u8>(file, kLoadflags) & 1) == 0) {
        return bad_image(image.name, "a zImage, which starts in real mode below 1 MiB: build the kernel as bzImage");
    }
    const u8 sects = read_le<u8>(file, kSetupSects);
    header.setup_bytes = (u64{sects == 0 ? u8{4} : sects} + 1) * kSector;
    const u64 jump_end = kMagic + read_le<u8>(file, kJump + 1);  // the header ends where its jump goes
    if (read_le<u8>(file, kJump) != 0xEB || jump_end < kInitrdAddrMax) {
        return bad_image(image.name, "damaged Linux setup header (its length is impossible)");
    }
    if (file.size() <= header.setup_bytes) {
        return bad_image(image.name, fmt::format("truncated Linux kernel: {} bytes, but its setup code alone takes {}",
                                                 file.size(), header.setup_bytes));
    }
    header.code_bytes = file.size() - header.setup_bytes;
    // syssize counts 16-byte units, and the last may be partly missing. It is 16 bits wide before 2.04.
    const u64 syssize = header.version >= 0x0204 ? read_le<u32>(file, kSyssize) : read_le<u16>(file, kSyssize);
    if (header.code_bytes + 15 < syssize * 16) {
        return bad_image(image.name, fmt::format("truncated Linux kernel: {} bytes of about {}", file.size(),
                                                 header.setup_bytes + syssize * 16));
    }
    header.initrd_max = header.version >= 0x0203 ? read_le<u32>(file, kInitrdAddrMax) : 0x37FFFFFF;
    header.command_line_max = header.version >= 0x0206 ? read_le<u32>(file, kCmdlineSize) : 255;
    header.runtime_end = kLoadAddress + header.code_bytes;
    if (header.version >= 0x020A) {
        const u64 start = std::max(read_le<u64>(file, kPrefAddress), kLoadAddress);
        const u64 size = read_le<u32>(file, kInitSize);
        if (start > ~u64{0} - size) return bad_image(image.name, "damaged Linux setup header (pref_address)");
        header.runtime_end = std::max(header.runtime_end, start + size);
    }
    header.kernel64 = header.version >= 0x020C && (read_le<u16>(file, kXloadflags) & 1) != 0;
    if (header.kernel64 && header.code_bytes < 0x200 + 1) {
        return bad_image(image.name, "damaged Linux kernel: it ends before its 64-bit entry point");
    }
    return header;
}

/// Where the initrd goes: as high as the kernel allows, above all the kernel uses.
Result<u64> place_initrd(const PhysicalMemory& memory, const Header& header, const Module& initrd) {
    const u64 limit = std::min(memory.low_ram_bytes(), header.initrd_max + 1);
    const u64 size = initrd.contents.size();
    const u64 floor = align_up(header.runtime_end, kPageSize);
    if (size > limit || align_down(limit - size, kPageSize) < floor) {
        return does_not_fit(
            initrd.name, fmt::format("the initrd of {} KiB does not fit between the kernel (which needs memory up to "
                                     "{} MiB) and {} MiB: ask for more with --memory",
                                     (size + 1023) >> 10, (floor + 0xFFFFF) >> 20, limit >> 20));
    }
    return align_down(limit - size, kPageSize);
}

void fill_screen_info(std::span<u8> params) {
    write_le<u8>(params, kVideoMode, 3);
    write_le<u8>(params, kVideoCols, 80);
    write_le<u8>(params, kVideoLines, 25);
    write_le<u8>(params, kVideoIsVga, 1);
    write_le<u16>(params, kVideoPoints, 16);
}

void fill_memory_map(std::span<u8> params, const PhysicalMemory& memory) {
    u8 count = 0;
    for (const MemoryRange& range : memory_ranges(memory)) {
        const u64 at = kE820Table + u64{20} * count++;
        write_le<u64>(params, at, range.base);
        write_le<u64>(params, at + 8, range.size);
        write_le<u32>(params, at + 16, static_cast<u32>(range.type));
    }
    write_le<u8>(params, kE820Entries, count);
    write_le<u32>(params, kAltMemK, static_cast<u32>((memory.low_ram_bytes() - kLoadAddress) >> 10));
}

/// Identity-maps the first 4 GiB with 2 MiB pages.
void write_page_tables(PhysicalMemory& memory, EntryState& entry) {
    constexpr u64 kTable = 3, kLargePage = 0x83;  // present, writable
    std::vector<u8> tables(low_memory::kPageTablesEnd - low_memory::kPageTables);
    const u64 pml4 = low_memory::kPageTables, pdpt = pml4 + kPageSize, directories = pdpt + kPageSize;
    write_le<u64>(tables, 0, pdpt | kTable);
    for (u64 i = 0; i < 4; ++i) write_le<u64>(tables, kPageSize + 8 * i, (directories + i * kPageSize) | kTable);
    for (u64 i = 0; i < 4 * 512; ++i) write_le<u64>(tables, 2 * kPageSize + 8 * i, i << 21 | kLargePage);
    memory.copy_in({pml4}, tables);
    entry.cr3 = pml4;
}

}  // namespace

bool looks_like_linux(std::span<const u8> contents) {
    return read_le<u16>(contents, kBootFlag) == 0xAA55 && read_le<u32>(contents, kMagic) == kHdrS;
}

Result<EntryState> load_linux(PhysicalMemory& memory, const KernelImage& image) {
    const Result<Header> parsed = parse(image);
    if (!parsed) return parsed.error();
    const Header& header = parsed.value();
    if (!image.modules.empty()) return does_not_fit(image.name, "a Linux kernel takes --initrd, not --module");
    if (header.kernel64 && !image.long_mode) {
        return does_not_fit(image.name,
                            "a 64-bit kernel, but the processor has no long mode: choose another with --cpu");
    }
    if (header.runtime_end > memory.low_ram_bytes()) {
        return does_not_fit(
            image.name, fmt::format("this kernel needs at least {} MiB of RAM, the machine has {}: ask for more with "
                                    "--memory",
                                    (header.runtime_end + 0xFFFFF) >> 20, size_text(memory.ram_bytes())));
    }
    const u64 command_line_max = std::min(header.command_line_max, low_memory::kCommandLineMax - 1);
    if (image.command_line.size() > command_line_max) {
        return does_not_fit(image.name,
                            fmt::format("the command line of {} characters is longer than the {} this kernel takes",
                                        image.command_line.size(), command_line_max));
    }

    std::vector<u8> params(kPageSize);
    const std::span<const u8> file = image.contents;
    const u64 header_end = std::min<u64>({kMagic + read_le<u8>(file, kJump + 1), 0x290, file.size()});
    std::copy(file.begin() + kSetupSects, file.begin() + static_cast<std::ptrdiff_t>(header_end),
              params.begin() + kSetupSects);
    fill_screen_info(params);
    fill_memory_map(params, memory);
    write_le<u8>(params, kTypeOfLoader, 0xFF);  // no number assigned
    write_le<u16>(params, kVidMode, 0xFFFF);    // the mode the screen is in
    write_le<u32>(params, kCode32Start, static_cast<u32>(kLoadAddress));
    write_le<u32>(params, kCmdLinePtr, static_cast<u32>(low_memory::kCommandLine));
    write_le<u32>(params, kRamdiskImage, 0);
    write_le<u32>(params, kRamdiskSize, 0);
    if (header.version >= 0x020E) write_le<u64>(params, kAcpiRsdp, image.rsdp);
    std::copy(image.apm_table.begin(), image.apm_table.end(), params.begin() + kApmBiosInfo);
    if (image.initrd) {
        const Module& initrd = *image.initrd;
        const Result<u64> place = place_initrd(memory, header, initrd);
        if (!place) return place.error();
        memory.copy_in({place.value()}, initrd.contents);
        write_le<u32>(params, kRamdiskImage, static_cast<u32>(place.value()));
        write_le<u32>(params, kRamdiskSize, static_cast<u32>(initrd.contents.size()));
    }

    std::vector<u8> command_line(image.command_line.begin(), image.command_line.end());
    command_line.push_back(0);
    memory.copy_in({low_memory::kCommandLine}, command_line);
    memory.copy_in({kLoadAddress}, file.subspan(header.setup_bytes));
    memory.copy_in({low_memory::kBootParams}, params);

    EntryState entry;
    entry.rsi = low_memory::kBootParams;
    entry.rsp = low_memory::kStackTop;
    entry.rip = kLoadAddress;
    if (header.kernel64) {
        entry.mode = EntryState::Mode::long64;
        entry.rip += 0x200;
        write_page_tables(memory, entry);
    }
    write_flat_gdt(memory, entry);
    return entry;
}

}  // namespace bantam::boot
