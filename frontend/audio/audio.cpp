#include "frontend/audio/audio.h"

#include <fmt/format.h>

#include <cstdio>

#include "frontend/audio/playback_buffer.h"
#include "frontend/audio/sound_device.h"
#include "machine/host/wav_file.h"

namespace bantam::frontend {
namespace {

/// The host's loudspeakers.
class Playback final : public AudioOutput {
public:
    static Result<std::unique_ptr<Playback>> open() {
        std::unique_ptr<Playback> playback(new Playback());
        Result<std::unique_ptr<SoundDevice>> device =
            open_sound_device([&buffer = playback->buffer_](auto frames) { buffer.take(frames); });
        if (!device) return device.error();
        playback->device_ = std::move(device.value());
        return playback;
    }
    void play(std::span<const devices::AudioFrame> frames) override { buffer_.put(frames); }
    void rest() override { buffer_.rest(); }
    void skip(u64) override {}

private:
    Playback() = default;
    PlaybackBuffer buffer_;
    std::unique_ptr<SoundDevice> device_;  // goes first: its thread takes from the buffer
};

}  // namespace

Result<std::unique_ptr<AudioOutput>> open_audio(const AudioConfig& audio, bool window) {
    using Kind = AudioConfig::Kind;
    if (audio.kind == Kind::wav) {
        Result<std::unique_ptr<host::WavFile>> file = host::WavFile::create(audio.path);
        if (!file) return file.error();
        return std::unique_ptr<AudioOutput>(std::move(file.value()));
    }
    if (audio.kind == Kind::none || (audio.kind == Kind::automatic && !window)) return std::unique_ptr<AudioOutput>{};
    Result<std::unique_ptr<Playback>> playback = Playback::open();
    if (playback) return std::unique_ptr<AudioOutput>(std::move(playback.value()));
    std::fputs(fmt::format("bantam: {}: the machine is silent\n", playback.error().message).c_str(), stderr);
    return std::unique_ptr<AudioOutput>{};
}

}  // namespace bantam::frontend
