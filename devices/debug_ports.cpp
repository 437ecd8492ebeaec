// See debug_ports.h.
#include "devices/debug_ports.h"

#include <fmt/format.h>

#include "base/bits.h"

namespace bantam::devices {

void DebugConsole::describe(Archive& archive) { archive.field("bytes_written", r_.bytes_written); }

std::string DebugConsole::info() const { return fmt::format("debugcon: {} bytes written\n", r_.bytes_written); }

void DebugConsole::write(u64, u8 value) {
    ++r_.bytes_written;
    if (port_ != nullptr) port_->put(value);
}

RegisterSpace DebugConsole::registers() {
    RegisterSpace space = byte_registers(*this);
    space.peek = [this](u64 offset, unsigned) { return u64{read(offset)}; };
    return space;
}

void DebugExit::write(u64, unsigned size, u64 value) {
    const u64 status = (value & mask_for(size)) * 2 + 1;
    if (pins_.exit) pins_.exit(static_cast<int>(status & 0xFF));
}

RegisterSpace DebugExit::registers() {
    return {.read = [](u64, unsigned) { return u64{0}; },
            .write = [this](u64 offset, unsigned size, u64 value) { write(offset, size, value); },
            .peek = [](u64, unsigned) { return u64{0}; },
            .max_size = 4};
}

}  // namespace bantam::devices
