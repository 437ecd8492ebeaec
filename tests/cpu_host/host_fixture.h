// One CPU of model `host` in 64-bit mode without paging over 2 MiB of RAM, with every instruction of its executor
// reachable by bytes: the ground of the cpu_host tests.
#pragma once

#include <gtest/gtest.h>

#include <csetjmp>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <vector>

#include "cpu/cpu.h"
#include "cpu/host/handlers.h"
#include "cpu/host/x87_unit.h"
#include "cpu/isa/decoder.h"
#include "cpu/isa/table.h"
#include "tests/empty_environment.h"

namespace bantam::host {

class FakeEnvironment final : public EmptyEnvironment {
public:
    void set_ferr(bool asserted) override { ferr = asserted; }
    bool ferr = false;
};

class HostFixture : public ::testing::Test {
protected:
    static constexpr u64 kCode = 0x1000;
    static constexpr u64 kData = 0x10000;

    HostFixture()
        : model(Model::find("host").value()),
          memory(std::move(PhysicalMemory::create(2 << 20).value())),
          cpu(model, *memory, environment),
          executor(std::move(HostExecutor::create().value())) {
        enter_mode(isa::CodeSize::bits64);
        cpu.state.x87[0] = 0x7F;
        cpu.state.x87[1] = 0x03;
    }

    void enter_mode(isa::CodeSize size) {
        CpuState& s = cpu.state;
        s.cr0 = 0x60000031;  // PE, ET, NE
        s.cr4 = 0x40600;     // OSFXSR, OSXMMEXCPT, OSXSAVE
        s.xcr0 = 7;
        s.efer = size == isa::CodeSize::bits64 ? 0x500 : 0;
        const u16 code = size == isa::CodeSize::bits64 ? 0x209B : size == isa::CodeSize::bits32 ? 0x409B : 0x009B;
        for (unsigned i = 0; i < kSegmentCount; ++i) cpu.set_segment(i, 0x10, 0, 0xFFFFFFFF, i == kCs ? code : 0x4093);
        cpu.update_mode();
    }

    isa::Instruction decode(const std::vector<u8>& bytes) {
        isa::Instruction i;
        EXPECT_EQ(isa::decode(bytes, cpu.decode_mode(), i), isa::DecodeStatus::ok);
        i.handler = executor->handler_for(cpu, i);
        return i;
    }

    /// Runs one instruction with the x87 unit already live; the exception it raised, if any.
    std::optional<Exception> step(const isa::Instruction& i) {
        cpu.state.instruction_rip = kCode;
        cpu.state.rip() = kCode + i.length;
        std::jmp_buf recovery;
        if (setjmp(recovery) != 0) {
            cpu.recovery = nullptr;
            return cpu.pending_exception;
        }
        cpu.recovery = &recovery;
        i.handler(cpu, i);
        cpu.recovery = nullptr;
        return std::nullopt;
    }
    std::optional<Exception> step(std::initializer_list<u8> bytes) {
        const isa::Instruction i = decode(bytes);
        if (i.handler == nullptr) {
            ADD_FAILURE() << "no handler";
            return std::nullopt;
        }
        return step(i);
    }
    /// The same between enter_fpu and leave_fpu.
    std::optional<Exception> run(std::initializer_list<u8> bytes) {
        enter_fpu(cpu.state);
        const auto result = step(bytes);
        leave_fpu(cpu.state);
        return result;
    }

    template <class T>
    T get(u64 address) {
        T value;
        memory->copy_out({address}, {reinterpret_cast<u8*>(&value), sizeof value});
        return value;
    }
    template <class T>
    void put(u64 address, T value) {
        memory->copy_in({address}, {reinterpret_cast<const u8*>(&value), sizeof value});
    }

    FakeEnvironment environment;
    Model model;
    std::unique_ptr<PhysicalMemory> memory;
    Cpu cpu;
    std::unique_ptr<HostExecutor> executor;
};

}  // namespace bantam::host
