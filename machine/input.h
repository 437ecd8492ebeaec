// InputEvent: what somebody outside does to a machine, whoever it is: a person in the window, the monitor, QMP.
#pragma once

#include <string>

#include "devices/key_names.h"

namespace bantam {

struct InputEvent {
    enum class Kind {
        key,       // key, pressed
        pointed,   // x, y, 0 to 65535 across the screen, with these buttons: the absolute pointer
        buttons,   // of the PS/2 mouse, wherever the guest has it
        inserted,  // device, file
        ejected,   // device
        power_button,
        reset,  // the button, not the guest's doing
    } kind = Kind::key;
    devices::KeyCode key{};
    bool pressed = false;
    unsigned x = 0, y = 0;
    unsigned buttons = 0;
    std::string device = {};
    std::string file = {};
};

}  // namespace bantam
