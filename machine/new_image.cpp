#include "machine/new_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "storage/floppy_format.h"
#include "storage/image_format.h"

namespace bantam {
namespace {

constexpr u64 kSector = 512, kSmallest = u64{1} << 20, kLargest = u64{2} << 40;
constexpr std::size_t kDescriptor = 16 * 2048, kDescriptorBytes = 2048;  // ECMA-119, 6.7.1
constexpr std::size_t kMultibootSearch = 8192;

bool is_linux(const std::vector<u8>& start) {
    constexpr std::size_t kHeader = 0x202;
    return start.size() > kHeader + 4 && std::memcmp(&start[kHeader], "HdrS", 4) == 0;
}
bool is_multiboot(const std::vector<u8>& start) {
    for (std::size_t at = 0; at + 12 <= std::min(start.size(), kMultibootSearch); at += 4) {
        u32 words[3];  // magic, flags, checksum
        std::memcpy(words, &start[at], sizeof words);
        if (words[0] == 0x1BADB002 && words[0] + words[1] + words[2] == 0) return true;
    }
    return false;
}

}  // namespace

Result<void> create_disk_image(const std::string& path, u64 bytes) {
    if (bytes % kSector != 0 || bytes < kSmallest || bytes > kLargest)
        return Error{ExitStatus::usage, "a disk has 1M to 2048G, in whole sectors of 512 bytes"};
    const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0)
        return Error{ExitStatus::host_resource, fmt::format("cannot create {}: {}", path, std::strerror(errno))};
    int failed = ::ftruncate(fd, static_cast<off_t>(bytes)) != 0 ? errno : 0;
    if (::close(fd) != 0 && failed == 0) failed = errno;
    if (failed == 0) return {};
    ::unlink(path.c_str());
    return Error{ExitStatus::host_resource,
                 fmt::format("cannot make {} of {} bytes: {}", path, bytes, std::strerror(failed))};
}

Result<ImageUse> guess_image_use(const std::string& path) {
    std::error_code failed;
    const std::filesystem::file_status status = std::filesystem::status(path, failed);
    if (failed) return Error{ExitStatus::bad_input, fmt::format("{}: {}", path, failed.message())};
    if (std::filesystem::is_block_file(status)) return ImageUse::disk;
    if (!std::filesystem::is_regular_file(status))
        return Error{ExitStatus::bad_input, fmt::format("{} is no file", path)};
    std::vector<u8> start(kDescriptor + kDescriptorBytes);
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{ExitStatus::host_resource, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
    file.read(reinterpret_cast<char*>(start.data()), static_cast<std::streamsize>(start.size()));
    start.resize(static_cast<std::size_t>(file.gcount()));
    if (start.size() == kDescriptor + kDescriptorBytes &&
        storage::iso_volume_bytes(std::span(start).subspan(kDescriptor)).has_value()) {
        return ImageUse::cdrom;
    }
    if (is_linux(start) || is_multiboot(start)) return ImageUse::kernel;
    const u64 bytes = std::filesystem::file_size(path, failed);
    if (!failed && storage::floppy_format_of(bytes).has_value()) return ImageUse::floppy;
    return ImageUse::disk;
}

}  // namespace bantam
