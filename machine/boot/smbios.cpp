#include "machine/boot/smbios.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "machine/boot/little_endian.h"
#include "machine/boot/sdt.h"

namespace bantam::boot {
namespace {

constexpr u64 kMiB = u64{1} << 20, kKiB = 1024;
constexpr u16 kSystemHandle = 0x100, kEnclosureHandle = 0x300, kProcessorHandle = 0x400, kMemoryArrayHandle = 0x1000,
              kMemoryDeviceHandle = 0x1100, kArrayMapHandle = 0x1300, kBootHandle = 0x2000, kEndHandle = 0x7F00;
constexpr u16 kNoHandle = 0xFFFE, kNoHandleFile = 0xFFFF;
constexpr u64 kDeviceBytes = u64{16} << 30;  // RAM of one memory device

/// One structure: header, formatted area, strings.
class Structure {
public:
    Structure(u8 type, u16 handle) {
        bytes_ = {type, 0};
        append_le<u16>(bytes_, handle);
    }
    template <class T>
    Structure& put(T value) {
        append_le<T>(bytes_, value);
        return *this;
    }
    Structure& text(std::string string) {
        strings_.push_back(std::move(string));
        return put<u8>(static_cast<u8>(strings_.size()));
    }
    void append_to(std::vector<std::vector<u8>>& list) {
        bytes_[1] = static_cast<u8>(bytes_.size());
        for (const std::string& string : strings_) {
            bytes_.insert(bytes_.end(), string.begin(), string.end());
            bytes_.push_back(0);
        }
        if (strings_.empty()) bytes_.push_back(0);
        bytes_.push_back(0);
        list.push_back(std::move(bytes_));
    }

private:
    std::vector<u8> bytes_;
    std::vector<std::string> strings_;
};

void append_system(std::vector<std::vector<u8>>& list) {
    Structure system(1, kSystemHandle);
    system.text("Bantam").text("PC").text("pc-i440fx").put<u8>(0);
    for (unsigned i = 0; i < 16; ++i) system.put<u8>(0);  // UUID not set
    system.put<u8>(6).put<u8>(0).put<u8>(0);              // woken by the power switch
    system.append_to(list);

    Structure enclosure(3, kEnclosureHandle);
    enclosure.text("Bantam").put<u8>(1).put<u8>(0).put<u8>(0).put<u8>(0);  // type "other"
    enclosure.put<u8>(3).put<u8>(3).put<u8>(3).put<u8>(2);                 // states safe, security unknown
    enclosure.put<u32>(0).put<u8>(0).put<u8>(0).put<u8>(0).put<u8>(0);
    enclosure.append_to(list);
}

void append_processor(std::vector<std::vector<u8>>& list, unsigned index, u32 signature, u32 features) {
    Structure cpu(4, static_cast<u16>(kProcessorHandle + index));
    cpu.text(fmt::format("CPU {}", index)).put<u8>(3).put<u8>(1).text("Bantam");  // central processor, family "other"
    cpu.put<u32>(signature).put<u32>(features);
    cpu.put<u8>(0).put<u8>(0).put<u16>(0).put<u16>(0).put<u16>(0);  // version, voltage, clocks unknown
    cpu.put<u8>(0x41).put<u8>(1);                                   // populated and enabled; socket "other"
    cpu.put<u16>(kNoHandleFile).put<u16>(kNoHandleFile).put<u16>(kNoHandleFile);
    cpu.put<u8>(0).put<u8>(0).put<u8>(0).put<u8>(1).put<u8>(1).put<u8>(1).put<u16>(2).put<u16>(1);
    cpu.append_to(list);
}

void append_memory(std::vector<std::vector<u8>>& list, const PhysicalMemory& memory) {
    const u64 total = memory.ram_bytes();
    const u64 devices = std::max<u64>(1, (total + kDeviceBytes - 1) / kDeviceBytes);
    Structure array(16, kMemoryArrayHandle);
    array.put<u8>(1).put<u8>(3).put<u8>(3);  // other location, system memory, no ECC
    array.put<u32>(static_cast<u32>(std::min<u64>(total / kKiB, 0x80000000)));
    array.put<u16>(kNoHandle).put<u16>(static_cast<u16>(devices));
    array.put<u64>(total / kKiB >= 0x80000000 ? total : 0);
    array.append_to(list);

    for (u64 i = 0; i < devices; ++i) {
        const u64 megabytes = std::min(kDeviceBytes, total - i * kDeviceBytes) / kMiB;
        Structure device(17, static_cast<u16>(kMemoryDeviceHandle + i));
        device.put<u16>(kMemoryArrayHandle).put<u16>(kNoHandle).put<u16>(64).put<u16>(64);
        device.put<u16>(static_cast<u16>(megabytes)).put<u8>(9).put<u8>(0);                    // DIMM, no set
        device.text(fmt::format("DIMM {}", i)).put<u8>(0).put<u8>(7).put<u16>(2).put<u16>(0);  // RAM, unknown detail
        device.put<u8>(0).put<u8>(0).put<u8>(0).put<u8>(0).put<u8>(0);
        device.append_to(list);
    }

    auto map = [&list, n = 0u](u64 first, u64 end) mutable {
        Structure mapped(19, static_cast<u16>(kArrayMapHandle + n++));
        mapped.put<u32>(static_cast<u32>(first / kKiB)).put<u32>(static_cast<u32>(end / kKiB - 1));
        mapped.put<u16>(kMemoryArrayHandle).put<u8>(1);
        mapped.append_to(list);
    };
    map(0, memory.low_ram_bytes());
    if (memory.high_ram_bytes() != 0)
        map(PhysicalMemory::kHighRamBase, PhysicalMemory::kHighRamBase + memory.high_ram_bytes());
}

}  // namespace

SmbiosImage make_smbios(const PhysicalMemory& memory, unsigned processors, u32 cpu_signature, u32 cpu_features) {
    std::vector<std::vector<u8>> list;
    append_system(list);
    for (unsigned i = 0; i < processors; ++i) append_processor(list, i, cpu_signature, cpu_features);
    append_memory(list, memory);
    Structure boot(32, kBootHandle);
    for (unsigned i = 0; i < 7; ++i) boot.put<u8>(0);  // reserved, status: no errors
    boot.append_to(list);
    Structure(127, kEndHandle).append_to(list);

    SmbiosImage image;
    std::size_t largest = 0;
    for (const std::vector<u8>& structure : list) {
        image.tables.insert(image.tables.end(), structure.begin(), structure.end());
        largest = std::max(largest, structure.size());
    }
    // Entry point (5.2.1), 31 bytes; firmware writes the table address and both checksums.
    std::vector<u8>& anchor = image.anchor;
    append_text(anchor, "_SM_", 4);
    anchor.insert(anchor.end(), {0, 31, 2, 8});
    append_le<u16>(anchor, static_cast<u16>(largest));
    anchor.insert(anchor.end(), 6, u8{0});
    append_text(anchor, "_DMI_", 5);
    anchor.push_back(0);
    append_le<u16>(anchor, static_cast<u16>(image.tables.size()));
    append_le<u32>(anchor, 0);
    append_le<u16>(anchor, static_cast<u16>(list.size()));
    anchor.push_back(0x28);
    anchor[0x15] = checksum_of(std::span(anchor).subspan(0x10));
    anchor[4] = checksum_of(anchor);
    return image;
}

}  // namespace bantam::boot
