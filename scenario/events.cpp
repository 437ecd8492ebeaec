#include "scenario/events.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace bantam::scenario {

void Events::watch_ports() {
    machine_.watch_port_writes([this](u16 port, u32 value) { written(port, value); });
}

Events::Flag Events::await_write(u16 port, std::optional<u32> value) {
    Flag flag = std::make_shared<bool>(false);
    writes_.push_back({port, value, flag});
    return flag;
}

Events::Flag Events::await_address(Linear address) {
    if (!debugger_) debugger_ = machine_.attach_debugger([this](const Debugger::Stop&) { reached(); });
    CHECK(debugger_->add_breakpoint(address));  // a scenario has fewer steps than a debugger takes breakpoints
    Flag flag = std::make_shared<bool>(false);
    addresses_.push_back({address, flag});
    return flag;
}

void Events::tidy() {
    std::erase_if(writes_, [](const Write& write) { return write.flag.expired(); });
    for (const Address& waiting : addresses_) {
        const bool others = std::any_of(addresses_.begin(), addresses_.end(), [&](const Address& other) {
            return other.address.value == waiting.address.value && !other.flag.expired();
        });
        if (!others) debugger_->remove_breakpoint(waiting.address);
    }
    std::erase_if(addresses_, [](const Address& address) { return address.flag.expired(); });
    if (addresses_.empty()) debugger_.reset();
}

void Events::written(u16 port, u32 value) {
    for (const Write& write : writes_) {
        const Flag flag = write.flag.lock();
        if (!flag || write.port != port || value != write.value.value_or(value)) continue;
        *flag = true;
        stop_here();
    }
}

void Events::reached() {
    const CpuState& state = machine_.cpu().state;
    const Linear here = machine_.cpu().wrap_linear(state.segment[kCs].base + state.rip());
    for (const Address& address : addresses_) {
        const Flag flag = address.flag.lock();
        if (flag && address.address.value == here.value) *flag = true;
    }
    stop_here();
}

void Events::stop_here() {
    if (std::exchange(stopping_, true)) return;
    machine_.stop();
    machine_.post([this] {
        stopping_ = false;
        happened_();
        if (debugger_) debugger_->resume();
    });
}

}  // namespace bantam::scenario
