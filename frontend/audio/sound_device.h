// SoundDevice: the host's loudspeakers, by SDL, in the module that holds the window (frontend/window/screen.h says
// why).
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "devices/audio_frame.h"

namespace bantam::frontend {

/// A device that plays; it stops when this goes.
class SoundDevice {
public:
    virtual ~SoundDevice() = default;
};

/// Fills in the next frames, kAudioRate a second; called on a thread of the device.
using TakeFrames = std::function<void(std::span<devices::AudioFrame> frames)>;

/// Opens the host's default device. Errors: host_resource (no module, no device).
Result<std::unique_ptr<SoundDevice>> open_sound_device(TakeFrames take);

}  // namespace bantam::frontend
