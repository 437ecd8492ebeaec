// Fuzzes the Linux loader: the input is a kernel file, with its magic put right so that every run reaches the header's
// checks. Nothing may be written outside RAM, and the entry must lie in it.
#include "base/check.h"
#include "machine/boot/linux.h"
#include "machine/boot/little_endian.h"

using namespace bantam;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    static const std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(u64{32} << 20).value());
    boot::KernelImage image;
    image.name = "input";
    image.contents.assign(data, data + size);
    if (size >= 0x208) {
        boot::write_le<u16>(image.contents, 0x1FE, 0xAA55);
        boot::write_le<u32>(image.contents, 0x202, 0x53726448);
    }
    image.command_line = "console=ttyS0";
    image.long_mode = size % 2 != 0;
    if (size % 3 == 0) image.initrd = boot::Module{"initrd", "", std::vector<u8>(size * 16 + 1)};
    const auto entry = boot::load_kernel(*memory, image);
    CHECK(entry.ok() ? entry.value().rip < memory->low_ram_bytes() : !entry.error().message.empty());
    return 0;
}
