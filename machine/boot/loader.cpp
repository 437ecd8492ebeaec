#include "machine/boot/loader.h"

#include <fmt/format.h>

#include "machine/boot/linux.h"
#include "machine/boot/little_endian.h"
#include "machine/boot/low_memory.h"
#include "machine/boot/multiboot.h"

namespace bantam::boot {

Error bad_image(const std::string& name, const std::string& cause) {
    return {ExitStatus::bad_input, fmt::format("{}: {}", name, cause)};
}

Error does_not_fit(const std::string& name, const std::string& cause) {
    return {ExitStatus::usage, fmt::format("{}: {}", name, cause)};
}

void write_flat_gdt(PhysicalMemory& memory, EntryState& entry) {
    constexpr u64 kCode32 = 0x00CF9B000000FFFF, kCode64 = 0x00AF9B000000FFFF, kData = 0x00CF93000000FFFF;
    std::array<u8, 32> gdt{};
    write_le<u64>(gdt, 0x10, entry.mode == EntryState::Mode::long64 ? kCode64 : kCode32);
    write_le<u64>(gdt, 0x18, kData);
    memory.copy_in({low_memory::kGdt}, gdt);
    entry.gdt_base = low_memory::kGdt;
    entry.gdt_limit = static_cast<u16>(gdt.size() - 1);
    entry.cs = 0x10;
    entry.ds = 0x18;
}

Result<EntryState> load_kernel(PhysicalMemory& memory, const KernelImage& image) {
    if (memory.low_ram_bytes() < u64{2} << 20) {
        return does_not_fit(image.name, "a kernel needs at least 2 MiB of RAM: ask for more with --memory");
    }
    if (looks_like_linux(image.contents)) return load_linux(memory, image);
    if (looks_like_multiboot(image.contents)) return load_multiboot(memory, image);
    return bad_image(
        image.name,
        "neither a Linux kernel (bzImage) nor a multiboot 1 image: --kernel takes those; boot other software "
        "from a disk image");
}

}  // namespace bantam::boot
