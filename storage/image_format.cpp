#include "storage/image_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace bantam::storage {
namespace {

using namespace std::string_view_literals;

struct Signature {
    std::string_view bytes;
    const char* name;
    const char* way_out;
};
constexpr const char* kConvert = "convert it with: qemu-img convert -O raw FILE FILE.raw";
// Published headers: qcow2 (QEMU's docs/interop), VMDK ("Virtual Disk Format 1.1"), VHD ("Virtual Hard Disk Image
// Format Specification", dynamic disks begin with a copy of the footer), VHDX (MS-VHDX), VDI; gzip (RFC 1952), xz,
// bzip2, zstd (RFC 8878); the sync field of a CD-ROM's raw sector (ECMA-130, 14.1).
constexpr std::array kSignatures{
    Signature{"QFI\xFB"sv, "a qcow2 image", kConvert},
    Signature{"KDMV"sv, "a VMDK image", kConvert},
    Signature{"conectix"sv, "a VHD image", kConvert},
    Signature{"vhdxfile"sv, "a VHDX image", kConvert},
    Signature{"<<< Oracle VM VirtualBox Disk Image >>>"sv, "a VDI image", kConvert},
    Signature{"\x1F\x8B\x08"sv, "compressed by gzip", "unpack it with: gunzip FILE"},
    Signature{"\xFD"
              "7zXZ\0"sv,
              "compressed by xz", "unpack it with: unxz FILE"},
    Signature{"BZh"sv, "compressed by bzip2", "unpack it with: bunzip2 FILE"},
    Signature{"\x28\xB5\x2F\xFD"sv, "compressed by zstd", "unpack it with: unzstd FILE"},
    Signature{"\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0"sv, "a CD-ROM image of raw 2352-byte sectors (.bin)",
              "convert it to an ISO image, with bchunk for instance"},
};

}  // namespace

std::optional<std::string> foreign_format(std::span<const u8> start) {
    const auto* const found = std::find_if(kSignatures.begin(), kSignatures.end(), [&](const Signature& signature) {
        return start.size() >= signature.bytes.size() &&
               std::equal(signature.bytes.begin(), signature.bytes.end(), start.begin(),
                          [](char wanted, u8 got) { return static_cast<u8>(wanted) == got; });
    });
    if (found == kSignatures.end()) return std::nullopt;
    return fmt::format("is {}, and images must be raw; {}", found->name, found->way_out);
}

std::optional<u64> iso_volume_bytes(std::span<const u8> descriptor) {
    constexpr std::size_t kVolumeSpaceSize = 80, kLogicalBlockSize = 128, kLeast = 132;
    constexpr std::string_view kPrimary = "\1CD001\1"sv;
    if (descriptor.size() < kLeast || !std::equal(kPrimary.begin(), kPrimary.end(), descriptor.begin()))
        return std::nullopt;
    const auto little_endian = [&](std::size_t at, unsigned bytes) {
        u64 value = 0;
        for (unsigned i = 0; i < bytes; ++i) value |= u64{descriptor[at + i]} << (8 * i);
        return value;
    };
    return little_endian(kVolumeSpaceSize, 4) * little_endian(kLogicalBlockSize, 2);
}

}  // namespace bantam::storage
