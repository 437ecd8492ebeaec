// The board's sound: which cards exist, where they are, and how they are heard.
#include "machine/pc.h"

namespace bantam {

void Pc::connect_audio(AudioMixer& mixer) {
    speaker_.connect(&mixer.add([this] { return speaker_.generate(); }));
}

}  // namespace bantam
