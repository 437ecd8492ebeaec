#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bantam {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

Error failed(const std::string& path, const char* verb) {
    if (errno == ENOENT || errno == ENOTDIR) return {ExitStatus::bad_input, fmt::format("{}: no such file", path)};
    if (errno == EACCES || errno == EPERM) {
        return {ExitStatus::bad_input, fmt::format("{}: permission denied; make it readable for this user", path)};
    }
    return {ExitStatus::host_resource, fmt::format("{}: cannot {}: {}", path, verb, std::strerror(errno))};
}

}  // namespace

Result<std::vector<u8>> read_file(const std::string& path, u64 max_bytes) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return failed(path, "open");
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return failed(path, "examine");
    if (S_ISDIR(status.st_mode))
        return Error{ExitStatus::bad_input, fmt::format("{}: is a directory, not a file", path)};
    if (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)) {
        return Error{ExitStatus::bad_input, fmt::format("{}: is a device, not a file", path)};
    }

    std::vector<u8> bytes;
    constexpr std::size_t kChunk = std::size_t{1} << 20;
    for (std::size_t filled = 0;;) {
        const u64 expected = static_cast<u64>(status.st_size) + 1;  // one more, to see the end
        if (filled == bytes.size()) bytes.resize(std::min(max_bytes + 1, std::max<u64>(filled + kChunk, expected)));
        const ssize_t got = read(file.get(), bytes.data() + filled, bytes.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(path, "read");
        filled += static_cast<std::size_t>(got);
        if (filled > max_bytes) {
            return Error{ExitStatus::bad_input,
                         fmt::format("{}: larger than the {} bytes it may have", path, max_bytes)};
        }
        if (got == 0) {
            bytes.resize(filled);
            break;
        }
    }
    if (bytes.empty()) return Error{ExitStatus::bad_input, fmt::format("{}: is empty", path)};
    return bytes;
}

}  // namespace bantam
