// EmptyEnvironment: an Environment nobody is behind: ports read as all ones, nothing ever interrupts, time stands
// still. For tests of the CPU alone; one that looks at a pin derives from it and overrides that pin.
#pragma once

#include "cpu/environment.h"

namespace bantam {

class EmptyEnvironment : public Environment {
public:
    u32 read_port(u16, unsigned) override { return ~0u; }
    void write_port(u16, unsigned, u32) override {}
    u8 acknowledge_interrupt() override { return 0; }
    u64 now_ns() override { return 0; }
    void apic_base_written(u64) override {}
    u8 read_task_priority() override { return 0; }
    void write_task_priority(u8) override {}
    bool read_apic_msr(u32, u64&) override { return false; }
    bool write_apic_msr(u32, u64) override { return false; }
    void set_ferr(bool) override {}
    void shutdown() override {}
};

}  // namespace bantam
