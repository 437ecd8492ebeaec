// Fuzzes the multiboot loader: the input is an image, whose first header gets the right checksum so that every run
// reaches the layouts. The first byte chooses between ELF and address fields.
#include "base/check.h"
#include "machine/boot/little_endian.h"
#include "machine/boot/multiboot.h"

using namespace bantam;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    static const std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(u64{16} << 20).value());
    if (size < 0x80) return 0;
    boot::KernelImage image;
    image.name = "input";
    image.contents.assign(data, data + size);
    const bool elf = data[0] % 2 != 0;
    const u64 header = elf ? 0x60 : 0;
    const u32 flags = elf ? 3 : 0x10003;
    boot::write_le<u32>(image.contents, header, 0x1BADB002);
    boot::write_le<u32>(image.contents, header + 4, flags);
    boot::write_le<u32>(image.contents, header + 8, 0u - 0x1BADB002 - flags);
    if (elf) {
        boot::write_le<u32>(image.contents, 0, 0x464C457F);
        boot::write_le<u16>(image.contents, 4, 0x0101);
        boot::write_le<u32>(image.contents, 16, 0x00030002);
    }
    for (u8 i = 0; i < data[1] % 4; ++i) image.modules.push_back({"module", "x", std::vector<u8>(size * 8)});
    const auto entry = boot::load_kernel(*memory, image);
    CHECK(entry.ok() ? entry.value().rip < memory->low_ram_bytes() : !entry.error().message.empty());
    return 0;
}
