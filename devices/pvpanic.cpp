// See pvpanic.h.
#include "devices/pvpanic.h"

namespace bantam::devices {

std::string Pvpanic::info() const { return "pvpanic: takes panics and loaded crash kernels\n"; }

void Pvpanic::write(u64, u8 value) {
    if ((value & kPanicked) != 0) {
        if (pins_.panicked) pins_.panicked();
    } else if ((value & kCrashLoaded) != 0) {
        if (pins_.crash_loaded) pins_.crash_loaded();
    }
}

RegisterSpace Pvpanic::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{read(offset)}; };
    return space;
}

}  // namespace bantam::devices
