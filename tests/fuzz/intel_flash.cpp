// Fuzz target: a flash memory: any command sequence, damaged state, media that take writes and media that do not.
#include "devices/intel_flash.h"

#include "tests/fuzz/chip_session.h"
#include "tests/storage/memory_image.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    constexpr u32 kBytes = 3 * IntelFlash::kBlockBytes;
    static auto* const image = new storage::MemoryImage(kBytes / storage::kSectorSize);
    static const std::unique_ptr<storage::BlockDevice> medium =
        std::move(storage::BlockDevice::create(std::unique_ptr<storage::Image>(image)).value());
    image->read_only = size % 4 == 0;
    ChipSession session(data, size);
    // The board's part: whatever shows is what the processor reads.
    bool array_shown = true;
    IntelFlash flash(session.scheduler, "flash", *medium, std::vector<u8>(kBytes, 0xFF),
                     {.array_shown = [&](bool shown) { array_shown = shown; }});
    const RegisterSpace space = flash.registers();
    session.add_window(space, kBytes);
    session.add_chip(flash);
    session.add_action([&](u64 value) {  // a write to buffer, whole or nearly so
        const u32 block = static_cast<u32>(value % 3) * IntelFlash::kBlockBytes;
        space.write(block, 1, 0xE8);
        space.write(block, 1, value >> 8 & 0xFF);
        for (u64 i = 0; i <= (value >> 8 & 0xFF); ++i) space.write((block + (value >> 16) + i) % kBytes, 1, i & 0xFF);
        space.write(block, 1, 0xD0);
    });
    session.run();
    if (array_shown != flash.shows_array()) std::abort();
    return 0;
}
