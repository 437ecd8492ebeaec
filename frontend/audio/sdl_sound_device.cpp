// The sound device by SDL 2 (https://wiki.libsdl.org/SDL2/CategoryAudio), a part of the module bantam-window.so.
#include <SDL2/SDL.h>
#include <dlfcn.h>

#include <string_view>

#include "frontend/audio/sound_device.h"
#include "frontend/version.h"
#include "machine/audio_output.h"

namespace bantam::frontend {
namespace {

constexpr Uint16 kBufferFrames = 512;  // 11 ms

void ignore_message(const char*, int, const char*, int, const char*, ...) {}

/// ALSA tells standard error, in a dozen lines, of a device that is missing; ours is one sentence.
void quiet_alsa() {
    void* alsa = ::dlopen("libasound.so.2", RTLD_NOW | RTLD_NOLOAD);  // if it is here at all, SDL brought it
    if (alsa == nullptr) return;
    using Handler = void (*)(const char* file, int line, const char* function, int error, const char* format, ...);
    using SetHandler = int (*)(Handler handler);
    const auto set_handler = reinterpret_cast<SetHandler>(::dlsym(alsa, "snd_lib_error_set_handler"));
    if (set_handler != nullptr) set_handler(ignore_message);
    ::dlclose(alsa);
}

class SdlSoundDevice final : public SoundDevice {
public:
    explicit SdlSoundDevice(TakeFrames take) : take_(std::move(take)) {}
    ~SdlSoundDevice() override {
        if (device_ != 0) SDL_CloseAudioDevice(device_);
        if (started_) SDL_QuitSubSystem(SDL_INIT_AUDIO);
    }
    SdlSoundDevice(const SdlSoundDevice&) = delete;
    SdlSoundDevice& operator=(const SdlSoundDevice&) = delete;

    bool open() {
        SDL_SetHint(SDL_HINT_APP_NAME, "Bantam");
        quiet_alsa();
        started_ = SDL_InitSubSystem(SDL_INIT_AUDIO) == 0;
        if (!started_) return false;
        SDL_AudioSpec wanted{};
        wanted.freq = kAudioRate;
        wanted.format = AUDIO_S16SYS;
        wanted.channels = 2;
        wanted.samples = kBufferFrames;
        wanted.userdata = this;
        wanted.callback = [](void* self, Uint8* bytes, int size) {
            auto* frames = reinterpret_cast<devices::AudioFrame*>(bytes);
            static_cast<SdlSoundDevice*>(self)->take_(
                {frames, static_cast<std::size_t>(size) / sizeof(devices::AudioFrame)});
        };
        device_ = SDL_OpenAudioDevice(nullptr, 0, &wanted, nullptr, 0);  // SDL converts for devices of another kind
        if (device_ == 0) return false;
        SDL_PauseAudioDevice(device_, 0);
        return true;
    }

private:
    TakeFrames take_;
    bool started_ = false;
    SDL_AudioDeviceID device_ = 0;
};

}  // namespace
}  // namespace bantam::frontend

extern "C" [[gnu::visibility("default")]] bantam::frontend::SoundDevice* bantam_open_sound_device(
    const char* version, bantam::frontend::TakeFrames take, std::string& error) {
    using bantam::frontend::SdlSoundDevice;
    if (std::string_view(version) != bantam::frontend::kVersion) {
        error = "bantam-window.so belongs to another version of Bantam";
        return nullptr;
    }
    auto device = std::make_unique<SdlSoundDevice>(std::move(take));
    if (device->open()) return device.release();
    error = SDL_GetError();
    return nullptr;
}
