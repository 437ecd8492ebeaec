// Opens the sound device of the module that holds the window.
#include "frontend/audio/sound_device.h"

#include <fmt/format.h>

#include "frontend/module.h"
#include "frontend/version.h"

namespace bantam::frontend {

Result<std::unique_ptr<SoundDevice>> open_sound_device(TakeFrames take) {
    const auto failed = [](const std::string& cause) {
        return Error{ExitStatus::host_resource, fmt::format("there is no sound device ({})", cause)};
    };
    const Result<void*> symbol = find_in_window_module("bantam_open_sound_device");
    if (!symbol) return failed(symbol.error().message);
    using Open = SoundDevice* (*)(const char* version, TakeFrames take, std::string& error);
    std::string error;
    SoundDevice* device = reinterpret_cast<Open>(symbol.value())(std::string(kVersion).c_str(), std::move(take), error);
    if (device == nullptr) return failed(error);
    return std::unique_ptr<SoundDevice>(device);
}

}  // namespace bantam::frontend
