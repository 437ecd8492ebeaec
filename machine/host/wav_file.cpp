#include "machine/host/wav_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/log.h"

namespace bantam::host {
namespace {
constexpr u64 kFrameBytes = 4;
constexpr u64 kHeaderBytes = 44;
constexpr std::size_t kFlushBytes = 64 << 10;
// The RIFF chunk's size has 32 bits and counts all but the first eight bytes.
constexpr u64 kMostFrames = (0xFFFF'FFFF - (kHeaderBytes - 8)) / kFrameBytes;

void put(std::vector<u8>& to, u32 value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) to.push_back(static_cast<u8>(value >> (8 * i)));
}
void put(std::vector<u8>& to, std::string_view text) { to.insert(to.end(), text.begin(), text.end()); }
}  // namespace

Result<std::unique_ptr<WavFile>> WavFile::create(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return Error{ExitStatus::host_resource,
                     fmt::format("cannot write the sound file '{}': {}", path, std::strerror(errno))};
    }
    std::unique_ptr<WavFile> file(new WavFile(path, fd));
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        file->failed_ = true;
        return Error{ExitStatus::usage, fmt::format("the sound file '{}' must be a regular file", path)};
    }
    if (!file->write_header())
        return Error{ExitStatus::host_resource, fmt::format("cannot write the sound file '{}'", path)};
    return file;
}

WavFile::~WavFile() {
    flush();
    // Silence at the end is a hole too.
    if (!failed_ && ::ftruncate(fd_, static_cast<off_t>(kHeaderBytes + frames_ * kFrameBytes)) != 0)
        log::warning("the sound file '{}' lacks the silence at its end: {}", path_, std::strerror(errno));
    ::close(fd_);
}

u64 WavFile::room_for(u64 frames) const { return std::min(frames, kMostFrames - frames_); }

void WavFile::play(std::span<const devices::AudioFrame> frames) {
    if (failed_) return;
    const u64 room = room_for(frames.size());
    if (room < frames.size() && !full_) {
        full_ = true;
        log::warning("the sound file '{}' is full: a WAVE file holds six hours; the rest is not written", path_);
    }
    frames = frames.first(room);
    for (const devices::AudioFrame frame : frames) {
        put(buffer_, static_cast<u16>(frame.left), 2);
        put(buffer_, static_cast<u16>(frame.right), 2);
    }
    frames_ += room;
    if (buffer_.size() >= kFlushBytes) flush();
}

void WavFile::skip(u64 frames) {
    flush();
    frames_ += room_for(frames);
}

void WavFile::flush() {
    if (failed_ || !write_at(kHeaderBytes + frames_ * kFrameBytes - buffer_.size(), buffer_)) return;
    buffer_.clear();
    write_header();
}

bool WavFile::write_header() {
    const auto data_bytes = static_cast<u32>(frames_ * kFrameBytes);
    std::vector<u8> header;
    put(header, "RIFF");
    put(header, data_bytes + static_cast<u32>(kHeaderBytes - 8), 4);
    put(header, "WAVEfmt ");
    put(header, 16, 4);  // of the format chunk
    put(header, 1, 2);   // PCM
    put(header, 2, 2);   // channels
    put(header, kAudioRate, 4);
    put(header, kAudioRate * static_cast<u32>(kFrameBytes), 4);
    put(header, kFrameBytes, 2);
    put(header, 16, 2);  // bits a sample
    put(header, "data");
    put(header, data_bytes, 4);
    return write_at(0, header);
}

bool WavFile::write_at(u64 offset, std::span<const u8> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            failed_ = true;
            log::warning("cannot write the sound file '{}': {}; no more sound is written", path_, std::strerror(errno));
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        offset += static_cast<u64>(written);
    }
    return true;
}

}  // namespace bantam::host
