// WavFile: sound in a RIFF WAVE file (IBM and Microsoft, Multimedia Programming Interface and Data Specifications 1.0):
// 16-bit PCM, stereo, frame 0 at power-on. Sound is written every third of a second, and the header's sizes after it,
// so a killed process leaves a whole file that lacks a third of a second at most. Silence is a hole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "machine/audio_output.h"

namespace bantam::host {

class WavFile final : public AudioOutput {
public:
    /// Empties the file at `path`, or creates it. Errors: host_resource (cannot be written), usage (no regular file).
    static Result<std::unique_ptr<WavFile>> create(const std::string& path);
    ~WavFile() override;
    WavFile(const WavFile&) = delete;
    WavFile& operator=(const WavFile&) = delete;

    void play(std::span<const devices::AudioFrame> frames) override;
    void rest() override { flush(); }
    void skip(u64 frames) override;

private:
    WavFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
    /// Writes what is buffered, then the sizes.
    void flush();
    bool write_at(u64 offset, std::span<const u8> bytes);
    /// The header for the frames so far.
    bool write_header();
    /// How many of `frames` more the format has room for.
    [[nodiscard]] u64 room_for(u64 frames) const;

    std::string path_;
    int fd_;
    bool failed_ = false;  // the host refused: no more is written
    bool full_ = false;
    u64 frames_ = 0;          // in the file and the buffer
    std::vector<u8> buffer_;  // its last frames
};

}  // namespace bantam::host
