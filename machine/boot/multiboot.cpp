#include "machine/boot/multiboot.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "machine/boot/e820.h"
#include "machine/boot/little_endian.h"
#include "machine/boot/low_memory.h"

namespace bantam::boot {
namespace {

constexpr u32 kHeaderMagic = 0x1BADB002, kLoaderMagic = 0x2BADB002;
constexpr u64 kSearchBytes = 8192;
/// Header flags (3.1.2). An image with an unknown bit among 0-15 must be refused.
enum HeaderFlag : u32 {
    kAlignModules = 1,
    kWantMemory = 2,
    kWantVideo = 4,
    kKnownRequirements = 7,
    kAddressFields = 1u << 16
};

/// A piece of the file and where it goes; memory_bytes - file_bytes are zeroed.
struct Segment {
    u64 base = 0;
    u64 memory_bytes = 0;
    u64 file_offset = 0;
    u64 file_bytes = 0;
};

struct Layout {
    std::vector<Segment> segments;
    u64 entry = 0;
    u64 end = 0;  // first byte after all segments
};

std::optional<u64> find_header(std::span<const u8> file) {
    for (u64 at = 0; at + 12 <= std::min<u64>(file.size(), kSearchBytes); at += 4) {
        if (read_le<u32>(file, at) != kHeaderMagic) continue;
        if (kHeaderMagic + read_le<u32>(file, at + 4) + read_le<u32>(file, at + 8) == 0) return at;
    }
    return std::nullopt;
}

/// 3.1.3: the address fields say how the flat file is laid out.
Result<Layout> layout_by_address_fields(const KernelImage& image, u64 header) {
    const std::span<const u8> file = image.contents;
    if (!contains(file, header, 32)) return bad_image(image.name, "truncated in its multiboot header");
    const u64 header_addr = read_le<u32>(file, header + 12), load_addr = read_le<u32>(file, header + 16);
    const u64 load_end = read_le<u32>(file, header + 20), bss_end = read_le<u32>(file, header + 24);
    if (load_addr > header_addr || header_addr - load_addr > header) {
        return bad_image(image.name, "bad multiboot header: load_addr does not fit header_addr");
    }
    Segment segment;
    segment.base = load_addr;
    segment.file_offset = header - (header_addr - load_addr);
    if (load_end != 0 && load_end < load_addr) {
        return bad_image(image.name, "bad multiboot header: load_end_addr is below load_addr");
    }
    segment.file_bytes = load_end != 0 ? load_end - load_addr : file.size() - segment.file_offset;
    if (!contains(file, segment.file_offset, segment.file_bytes)) {
        return bad_image(image.name, fmt::format("truncated multiboot image: {} bytes of {}", file.size(),
                                                 segment.file_offset + segment.file_bytes));
    }
    if (bss_end != 0 && bss_end < load_addr + segment.file_bytes) {
        return bad_image(image.name, "bad multiboot header: bss_end_addr is below the end of the data");
    }
    segment.memory_bytes = bss_end != 0 ? bss_end - load_addr : segment.file_bytes;
    return Layout{{segment}, read_le<u32>(file, header + 28), 0};
}

/// ELF32 (System V ABI): the loadable segments at their physical addresses.
Result<Layout> layout_by_elf(const KernelImage& image) {
    const std::span<const u8> file = image.contents;
    constexpr u32 kElfMagic = 0x464C457F;
    constexpr u8 kClass32 = 1, kClass64 = 2, kLittleEndian = 1;
    constexpr u16 kExecutable = 2, kI386 = 3;
    constexpr u64 kHeaderBytes = 52, kProgramHeaderBytes = 32;
    if (read_le<u32>(file, 0) != kElfMagic) {
        return bad_image(image.name, "a multiboot image that is neither ELF nor has address fields in its header");
    }
    if (read_le<u8>(file, 4) == kClass64) {
        return bad_image(image.name,
                         "a 64-bit ELF file: multiboot 1 is for 32-bit images (objcopy -O elf32-i386 converts)");
    }
    if (!contains(file, 0, kHeaderBytes) || read_le<u8>(file, 4) != kClass32 || read_le<u8>(file, 5) != kLittleEndian ||
        read_le<u16>(file, 16) != kExecutable || read_le<u16>(file, 18) != kI386) {
        return bad_image(image.name, "not a 32-bit x86 executable ELF file");
    }
    const u64 entry = read_le<u32>(file, 24), table = read_le<u32>(file, 28);
    const u64 entry_size = read_le<u16>(file, 42), count = read_le<u16>(file, 44);
    if (count == 0 || entry_size < kProgramHeaderBytes)
        return bad_image(image.name, "ELF file without program headers");
    if (!contains(file, table, count * entry_size))
        return bad_image(image.name, "truncated: ELF program headers lie beyond its end");

    Layout layout;
    layout.entry = entry;
    for (u64 i = 0; i < count; ++i) {
        const u64 at = table + i * entry_size;
        constexpr u32 kLoad = 1;
        if (read_le<u32>(file, at) != kLoad) continue;
        const u64 linked = read_le<u32>(file, at + 8);
        const Segment segment{read_le<u32>(file, at + 12), read_le<u32>(file, at + 20), read_le<u32>(file, at + 4),
                              read_le<u32>(file, at + 16)};
        if (segment.memory_bytes == 0) continue;
        if (segment.file_bytes > segment.memory_bytes) {
            return bad_image(image.name, fmt::format("bad ELF segment {}: larger in the file than in memory", i));
        }
        if (!contains(file, segment.file_offset, segment.file_bytes)) {
            return bad_image(image.name, fmt::format("truncated: ELF segment {} lies beyond its end", i));
        }
        // Images linked for an upper half give a linked entry point; control starts at its physical address.
        if (entry >= linked && entry - linked < segment.memory_bytes) layout.entry = segment.base + (entry - linked);
        layout.segments.push_back(segment);
    }
    if (layout.segments.empty()) return bad_image(image.name, "ELF file without loadable segments");
    return layout;
}

/// RAM a segment may use: not the BIOS data area and our GDT, not the hole below 1 MiB, not beyond RAM.
bool in_usable_ram(const PhysicalMemory& memory, const Segment& segment) {
    const u64 end = segment.base + segment.memory_bytes;
    if (segment.base >= low_memory::kStackTop && end <= low_memory::kExtendedBiosData) return true;
    return segment.base >= low_memory::kBiosEnd && end <= memory.low_ram_bytes();
}

Result<Layout> checked_layout(const PhysicalMemory& memory, const KernelImage& image, u64 header, u32 flags) {
    Result<Layout> result =
        (flags & kAddressFields) != 0 ? layout_by_address_fields(image, header) : layout_by_elf(image);
    if (!result) return result;
    Layout& layout = result.value();
    bool entry_inside = false;
    for (const Segment& segment : layout.segments) {
        if (!in_usable_ram(memory, segment)) {
            return does_not_fit(
                image.name, fmt::format("loads at {:#x}-{:#x}, where this machine has no usable RAM: ask for more with "
                                        "--memory if that is above its end",
                                        segment.base, segment.base + segment.memory_bytes));
        }
        entry_inside |= layout.entry >= segment.base && layout.entry - segment.base < segment.memory_bytes;
        layout.end = std::max(layout.end, segment.base + segment.memory_bytes);
    }
    if (!entry_inside)
        return bad_image(image.name, fmt::format("its entry point {:#x} lies outside what it loads", layout.entry));
    return result;
}

void zero(PhysicalMemory& memory, u64 base, u64 bytes) {
    const std::vector<u8> zeros(std::min<u64>(bytes, u64{1} << 20));
    while (bytes != 0) {
        const u64 part = std::min<u64>(bytes, zeros.size());
        memory.copy_in({base}, std::span(zeros).first(part));
        base += part;
        bytes -= part;
    }
}

struct PlacedModule {
    u64 base;
    u64 end;
    std::string text;
};

/// The information structure (3.3) and all it points to, in one block at `base`.
class Information {
public:
    explicit Information(u64 base) : base_(base), bytes_(116) {}

    u32 append_string(const std::string& text) {
        const u32 at = here();
        bytes_.insert(bytes_.end(), text.begin(), text.end());
        bytes_.push_back(0);
        bytes_.resize(align_up(bytes_.size(), 4));
        return at;
    }
    [[nodiscard]] u32 here() const { return static_cast<u32>(base_ + bytes_.size()); }
    template <class T>
    void set(u64 offset, T value) {
        write_le<T>(bytes_, offset, value);
    }
    template <class T>
    void append(T value) {
        append_le<T>(bytes_, value);
    }
    [[nodiscard]] const std::vector<u8>& bytes() const { return bytes_; }

private:
    u64 base_;
    std::vector<u8> bytes_;
};

enum InfoFlag : u32 {
    kInfoMemory = 1u << 0,
    kInfoCommandLine = 1u << 2,
    kInfoModules = 1u << 3,
    kInfoMemoryMap = 1u << 6,
    kInfoLoaderName = 1u << 9,
    kInfoApmTable = 1u << 10,
    kInfoFramebuffer = 1u << 12,
};

void add_memory(Information& info, const PhysicalMemory& memory) {
    info.set<u32>(4, low_memory::kExtendedBiosData >> 10);
    info.set<u32>(8, static_cast<u32>((memory.low_ram_bytes() - low_memory::kBiosEnd) >> 10));
    info.set<u32>(48, info.here());
    u32 length = 0;
    for (const MemoryRange& range : memory_ranges(memory)) {
        info.append<u32>(20);  // size of the entry without this field
        info.append<u64>(range.base);
        info.append<u64>(range.size);
        info.append<u32>(static_cast<u32>(range.type));
        length += 24;
    }
    info.set<u32>(44, length);
}

void add_modules(Information& info, const std::vector<PlacedModule>& modules) {
    std::vector<u32> texts;
    for (const PlacedModule& module : modules) texts.push_back(info.append_string(module.text));
    info.set<u32>(20, static_cast<u32>(modules.size()));
    info.set<u32>(24, info.here());
    for (std::size_t i = 0; i < modules.size(); ++i) {
        info.append<u32>(static_cast<u32>(modules[i].base));
        info.append<u32>(static_cast<u32>(modules[i].end));
        info.append<u32>(texts[i]);
        info.append<u32>(0);
    }
}

void add_text_screen(Information& info) {
    info.set<u64>(88, 0xB8000);
    info.set<u32>(96, 160);  // pitch
    info.set<u32>(100, 80);
    info.set<u32>(104, 25);
    info.set<u8>(108, 16);  // bits per character cell
    info.set<u8>(109, 2);   // EGA text
}

void add_apm_table(Information& info, const std::vector<u8>& table) {
    info.set<u32>(68, info.here());
    for (const u8 byte : table) info.append<u8>(byte);
}

std::string with_arguments(const std::string& name, const std::string& arguments) {
    return arguments.empty() ? name : name + " " + arguments;
}

Information describe(const PhysicalMemory& memory, const KernelImage& image, const std::vector<PlacedModule>& modules,
                     u64 base) {
    Information info(base);
    info.set<u32>(0, kInfoMemory | kInfoCommandLine | kInfoModules | kInfoMemoryMap | kInfoLoaderName |
                         kInfoFramebuffer | (image.apm_table.empty() ? 0u : kInfoApmTable));
    info.set<u32>(16, info.append_string(with_arguments(image.name, image.command_line)));
    info.set<u32>(64, info.append_string("Bantam"));
    add_modules(info, modules);
    add_memory(info, memory);
    add_text_screen(info);
    if (!image.apm_table.empty()) add_apm_table(info, image.apm_table);
    return info;
}

}  // namespace

bool looks_like_multiboot(std::span<const u8> contents) { return find_header(contents).has_value(); }

Result<EntryState> load_multiboot(PhysicalMemory& memory, const KernelImage& image) {
    const std::optional<u64> header = find_header(image.contents);
    if (!header) return bad_image(image.name, "no multiboot header in its first 8 KiB");
    const u32 flags = read_le<u32>(image.contents, *header + 4);
    if ((flags & 0xFFFF & ~u32{kKnownRequirements}) != 0) {
        return bad_image(image.name, fmt::format("requires multiboot features {:#x} that do not exist here",
                                                 flags & 0xFFFF & ~u32{kKnownRequirements}));
    }
    if (image.initrd) return does_not_fit(image.name, "a multiboot image takes --module, not --initrd");
    const Result<Layout> checked = checked_layout(memory, image, *header, flags);
    if (!checked) return checked.error();
    const Layout& layout = checked.value();

    u64 free = align_up(std::max(layout.end, low_memory::kBiosEnd), kPageSize);
    std::vector<PlacedModule> modules;
    for (const Module& module : image.modules) {
        const u64 size = module.contents.size();
        if (free > memory.low_ram_bytes() || size > memory.low_ram_bytes() - free) {
            return does_not_fit(module.name,
                                fmt::format("the module of {} KiB does not fit above the kernel: ask for more with "
                                            "--memory",
                                            (size + 1023) >> 10));
        }
        modules.push_back({free, free + size, with_arguments(module.name, module.arguments)});
        free = align_up(free + size, kPageSize);
    }
    // Below 1 MiB, where loaders traditionally leave it, unless the image itself loads there.
    const bool low_taken = std::any_of(layout.segments.begin(), layout.segments.end(),
                                       [](const Segment& segment) { return segment.base < low_memory::kBiosEnd; });
    const u64 base = low_taken ? free : low_memory::kMultibootInfo;
    const u64 limit = low_taken ? memory.low_ram_bytes() : low_memory::kMultibootInfoEnd;
    const Information info = describe(memory, image, modules, base);
    if (base > limit || info.bytes().size() > limit - base) {
        return does_not_fit(image.name,
                            "its command line, modules and their arguments leave no room for the boot information");
    }

    for (const Segment& segment : layout.segments) {
        memory.copy_in({segment.base}, std::span(image.contents).subspan(segment.file_offset, segment.file_bytes));
        zero(memory, segment.base + segment.file_bytes, segment.memory_bytes - segment.file_bytes);
    }
    for (std::size_t i = 0; i < modules.size(); ++i) memory.copy_in({modules[i].base}, image.modules[i].contents);
    memory.copy_in({base}, info.bytes());

    EntryState entry;
    entry.rip = layout.entry;
    entry.rax = kLoaderMagic;
    entry.rbx = base;
    entry.rsp = low_memory::kStackTop;
    write_flat_gdt(memory, entry);
    return entry;
}

}  // namespace bantam::boot
