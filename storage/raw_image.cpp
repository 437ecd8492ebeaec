// See raw_image.h.
#include "storage/raw_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "storage/image_format.h"

namespace bantam::storage {
namespace {

struct Words {
    const char* noun;
    const char* another;  // the way out when the file is not there, or empty
    const char* whole;    // the way out when it is no whole image
};
Words words_of(ImageKind kind) {
    switch (kind) {
        case ImageKind::disk:
            break;
        case ImageKind::cdrom:
            return {"CD-ROM image", "check the name, or give --cdrom none for a drive without a disc",
                    "fetch it again"};
        case ImageKind::floppy:
            return {"floppy image",
                    "create one with: truncate -s 1474560 FILE, or give --floppy none for a drive without a disk",
                    "fetch it again, or bring it to the size of a diskette with: truncate -s 1474560 FILE"};
        case ImageKind::flash:
            return {"flash image",
                    "check the name; a store for variables is a copy of the one that comes with the firmware",
                    "copy it again from where the firmware came from"};
    }
    return {"disk image", "create one with: truncate -s 1G FILE",
            "fetch it again or pad it with: truncate -s %512 FILE"};
}

/// Errors about the file at one path.
class Complaint {
public:
    Complaint(const std::string& path, ImageKind kind) : path_(path), words_(words_of(kind)) {}

    [[nodiscard]] Error bad_input(std::string_view cause) const {
        return {ExitStatus::bad_input, fmt::format("{} '{}': {}", words_.noun, path_, cause)};
    }
    [[nodiscard]] Error host(std::string_view act, int error) const {
        return {ExitStatus::host_resource,
                fmt::format("{} '{}': {}: {}", words_.noun, path_, act, std::strerror(error))};
    }
    [[nodiscard]] Error not_whole(std::string_view cause) const {
        return bad_input(fmt::format("{}; {}", cause, words_.whole));
    }
    [[nodiscard]] Error absent(std::string_view cause) const {
        return bad_input(fmt::format("{}; {}", cause, words_.another));
    }
    [[nodiscard]] Error opening(int error, bool writing) const {
        switch (error) {
            case ENOENT:
                return absent("no such file");
            case EISDIR:
                return bad_input("is a directory, not an image");
            case EACCES:
            case EPERM:
            case EROFS:
                if (writing && access(path_.c_str(), R_OK) == 0) {
                    return bad_input(
                        "may not be written; make it writable, or add ',readonly' or ',overlay=temp' to the option");
                }
                return bad_input("permission denied; make it readable for this user");
            default:
                return bad_input(std::strerror(error));
        }
    }
    [[nodiscard]] Error locked(bool writing) const {
        return {ExitStatus::host_resource,
                fmt::format("{} '{}': in use by another emulator; end that one, or {}", words_.noun, path_,
                            writing ? "share the image by ',readonly' on both"
                                    : "start that one with ',readonly' or ',overlay=temp' too")};
    }

private:
    const std::string& path_;
    Words words_;
};

struct flock lock_of(short type, off_t start, off_t length) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = start;
    lock.l_len = length;  // 0: to the end, however far that goes
    return lock;
}

// QEMU tells others of an image's use by read locks on single bytes: from 100 on of what it does, from 200 on of what
// it lets nobody else do, each 0: read contents that do not change, 1: write, ... (block/file-posix.c,
// RAW_LOCK_PERM_BASE). So whoever reads locks neither what would say more than that, nor what would keep it from
// reading.
constexpr off_t kReads = 100, kWrites = 101, kNobodyWrites = 201;

/// Takes a lock that lasts as long as `fd` is open: a writer's on the whole file. 0, or errno.
int lock_file(int fd, bool writing) {
    const auto take = [fd](struct flock lock) { return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno; };
    if (writing) return take(lock_of(F_WRLCK, 0, 0));
    if (const int error = take(lock_of(F_RDLCK, 0, kReads + 1)); error != 0) return error;
    if (const int error = take(lock_of(F_RDLCK, kNobodyWrites, 0)); error != 0) return error;
    struct flock writer = lock_of(F_WRLCK, kWrites, 1);
    if (fcntl(fd, F_OFD_GETLK, &writer) != 0) return errno;
    return writer.l_type == F_UNLCK ? 0 : EAGAIN;
}

}  // namespace

Result<std::unique_ptr<RawImage>> RawImage::open(const std::string& path, RawImageOptions options) {
    const Complaint complaint(path, options.kind);
    struct stat info = {};
    // Asked before opening: opening a FIFO would wait for its other end.
    if (stat(path.c_str(), &info) != 0) return complaint.opening(errno, false);
    if (S_ISDIR(info.st_mode)) return complaint.opening(EISDIR, false);
    if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode))
        return complaint.bad_input("is neither a regular file nor a block device");

    const bool writing = !options.readonly && !options.temporary_overlay;
    const int fd = ::open(path.c_str(), (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return complaint.opening(errno, writing);

    const auto fail = [fd](Error error) {
        close(fd);
        return error;
    };
    const off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0) return fail(complaint.host("cannot find its size", errno));
    if (size == 0) return fail(complaint.absent("is empty (0 bytes)"));
    std::array<u8, kFormatBytes> start{};
    const ssize_t got = pread(fd, start.data(), start.size(), 0);
    if (got < 0) return fail(complaint.host("read failed", errno));
    if (const auto foreign = foreign_format(std::span(start).first(static_cast<std::size_t>(got))))
        return fail(complaint.bad_input(*foreign));
    if (size % static_cast<off_t>(kSectorSize) != 0) {
        return fail(complaint.not_whole(
            fmt::format("its size of {} bytes is no multiple of 512, so it is not a whole raw image", size)));
    }
    if (const int error = lock_file(fd, writing); error != 0) {
        if (error == EAGAIN || error == EACCES) return fail(complaint.locked(writing));
        return fail(complaint.host("cannot lock it", error));
    }
    return std::unique_ptr<RawImage>(new RawImage(path, options, fd, static_cast<u64>(size) / kSectorSize));
}

RawImage::RawImage(std::string path, RawImageOptions options, int fd, u64 sector_count)
    : path_(std::move(path)), options_(options), fd_(fd), sector_count_(sector_count) {}

RawImage::~RawImage() { close(fd_); }

Error RawImage::host_error(std::string_view act, int error) const {
    return Complaint(path_, options_.kind).host(act, error);
}

bool RawImage::in_range(u64 first, u64 bytes) const {
    return bytes % kSectorSize == 0 && first <= sector_count_ && bytes / kSectorSize <= sector_count_ - first;
}

Result<void> RawImage::read_file(u64 first, std::span<u8> to) {
    std::size_t done = 0;
    while (done < to.size()) {
        const ssize_t got =
            pread(fd_, to.data() + done, to.size() - done, static_cast<off_t>(first * kSectorSize + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return host_error("read failed", errno);
        if (got == 0) return host_error("shorter than when it was opened", EIO);
        done += static_cast<std::size_t>(got);
    }
    return {};
}

Result<void> RawImage::read(u64 first, std::span<u8> to) {
    if (!in_range(first, to.size())) return host_error("read beyond its end", EINVAL);
    if (overlay_.empty()) return read_file(first, to);
    while (!to.empty()) {
        const u64 index = first / kOverlaySectors;
        const u64 within = first % kOverlaySectors;
        const std::size_t chunk = std::min<std::size_t>(to.size(), (kOverlaySectors - within) * kSectorSize);
        if (const auto found = overlay_.find(index); found != overlay_.end()) {
            std::memcpy(to.data(), found->second->data() + within * kSectorSize, chunk);
        } else if (Result<void> result = read_file(first, to.first(chunk)); !result) {
            return result;
        }
        to = to.subspan(chunk);
        first += chunk / kSectorSize;
    }
    return {};
}

/// The overlay's copy of granule `index`, made from the file on its first write.
Result<RawImage::Granule*> RawImage::overlay_granule(u64 index) {
    if (const auto found = overlay_.find(index); found != overlay_.end()) return found->second.get();
    auto granule = std::make_unique<Granule>();
    const u64 first = index * kOverlaySectors;
    const u64 sectors = std::min(kOverlaySectors, sector_count_ - first);
    if (Result<void> result = read_file(first, std::span(*granule).first(sectors * kSectorSize)); !result) {
        return result.error();
    }
    Granule* kept = overlay_.emplace(index, std::move(granule)).first->second.get();
    overlay_granules_ = overlay_.size();
    return kept;
}

Result<void> RawImage::write(u64 first, std::span<const u8> from) {
    if (options_.readonly) return host_error("write refused, opened with ',readonly'", EROFS);
    if (!in_range(first, from.size())) return host_error("write beyond its end", EINVAL);
    if (options_.temporary_overlay) {
        while (!from.empty()) {
            const u64 within = first % kOverlaySectors;
            const std::size_t chunk = std::min<std::size_t>(from.size(), (kOverlaySectors - within) * kSectorSize);
            Result<Granule*> granule = overlay_granule(first / kOverlaySectors);
            if (!granule) return granule.error();
            std::memcpy(granule.value()->data() + within * kSectorSize, from.data(), chunk);
            from = from.subspan(chunk);
            first += chunk / kSectorSize;
        }
        return {};
    }
    std::size_t done = 0;
    while (done < from.size()) {
        const ssize_t put =
            pwrite(fd_, from.data() + done, from.size() - done, static_cast<off_t>(first * kSectorSize + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return host_error("write failed", errno);
        done += static_cast<std::size_t>(put);
    }
    return {};
}

Result<void> RawImage::flush() {
    if (options_.readonly || options_.temporary_overlay) return {};
    if (fdatasync(fd_) != 0) return host_error("flush failed", errno);
    return {};
}

std::string RawImage::info() const {
    return fmt::format("{}: raw, {} sectors{}", path_, sector_count_,
                       options_.readonly ? ", read-only"
                       : options_.temporary_overlay
                           ? fmt::format(", temporary overlay of {} sectors", overlay_sectors())
                           : "");
}

}  // namespace bantam::storage
