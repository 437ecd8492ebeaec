// Where the machine's sound goes, by --audio.
#pragma once

#include <memory>

#include "base/result.h"
#include "frontend/options.h"
#include "machine/audio_output.h"

namespace bantam::frontend {

/// The output that `audio` asks for; null: nobody hears the machine. `window`: one is open, so by default there is
/// sound. A host without a sound device is no failure: a message says so. Errors: the sound file cannot be written.
Result<std::unique_ptr<AudioOutput>> open_audio(const AudioConfig& audio, bool window);

}  // namespace bantam::frontend
