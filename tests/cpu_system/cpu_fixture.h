// A Cpu with real memory and MMU and a fake board, and the tables most tests need. Instructions are given as bytes,
// decoded by the real decoder and run through system_handler the way an engine does it.
#pragma once

#include <gtest/gtest.h>

#include <csetjmp>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cpu/cpu.h"

namespace bantam {

class FakeBoard final : public Environment {
public:
    u32 read_port(u16 port, unsigned size) override {
        reads.push_back(port);
        const u32 value = port_value;
        return size == 4 ? value : value & static_cast<u32>(mask_for(size));
    }
    void write_port(u16 port, unsigned, u32 value) override { writes.emplace_back(port, value); }
    u8 acknowledge_interrupt() override { return vector; }
    u64 now_ns() override { return now; }
    void apic_base_written(u64 value) override { apic_base = value; }
    u8 read_task_priority() override { return task_priority; }
    void write_task_priority(u8 value) override { task_priority = value; }
    bool read_apic_msr(u32, u64& value) override {
        value = 0x55;
        return true;
    }
    bool write_apic_msr(u32, u64) override { return true; }
    void set_ferr(bool) override {}
    void shutdown() override { ++shutdowns; }

    std::vector<u16> reads;
    std::vector<std::pair<u16, u32>> writes;
    u32 port_value = 0xA5A5A5A5;
    u8 vector = 0x20;
    u64 now = 0;
    u64 apic_base = 0;
    u8 task_priority = 0;
    int shutdowns = 0;
};

/// What an instruction raised, or nothing.
struct Raised {
    std::optional<Exception> exception;
    [[nodiscard]] bool none() const { return !exception.has_value(); }
    [[nodiscard]] bool is(Vector vector, u32 error_code) const {
        return exception && exception->vector == vector && exception->has_error_code &&
               exception->error_code == error_code;
    }
    [[nodiscard]] bool is(Vector vector) const {
        return exception && exception->vector == vector && !exception->has_error_code;
    }
};

class CpuFixture : public ::testing::Test {
protected:
    static constexpr u32 kGdt = 0x1000, kIdt = 0x2000, kTss = 0x3000, kTss2 = 0x3800, kLdt = 0x4000, kCode = 0x8000;
    static constexpr u32 kStack0 = 0x6000, kStack3 = 0x7000;
    // GDT slots every test has.
    static constexpr u16 kCode0 = 0x08, kData0 = 0x10, kCode3 = 0x1B, kData3 = 0x23, kTssSelector = 0x28,
                         kCode64 = 0x38, kFree = 0x60;

    explicit CpuFixture(const char* name = "default");

    void poke8(u64 at, u8 v) { memory->write({at}, 1, v); }
    void poke16(u64 at, u16 v) { memory->write({at}, 2, v); }
    void poke32(u64 at, u32 v) { memory->write({at}, 4, v); }
    void poke64(u64 at, u64 v) { memory->write({at}, 8, v); }
    u64 peek(u64 at, unsigned size) { return memory->read({at}, size); }

    /// Descriptor with `access` = bits 40-47, `flags` = bits 52-55 (G D L AVL = 8 4 2 1).
    static u64 descriptor(u32 base, u32 limit, u8 access, u8 flags);
    void gdt(u16 selector, u64 value) { poke64(kGdt + (selector & 0xFFF8u), value); }
    void gate(u8 vector, u16 selector, u32 offset, u8 access) {
        poke64(kIdt + 8u * vector,
               u64{offset & 0xFFFF} | u64{selector} << 16 | u64{access} << 40 | u64{offset >> 16} << 48);
    }
    void gate64(u8 vector, u16 selector, u64 offset, u8 access, u8 ist = 0);

    void enter_protected();         // flat 32-bit, CPL 0
    void enter_long();              // 64-bit, CPL 0, identity-mapped 1 GiB by 2 MiB pages
    void set_cpl3();                // flat 32-bit (or 64-bit) user code
    void enter_v86(unsigned iopl);  // from enter_protected

    /// Decodes and runs one instruction at CS:RIP as an engine would; a raised exception is returned, not delivered.
    Raised run(std::initializer_list<u8> bytes);
    /// Runs `work` with a recovery point.
    template <class Work>
    Raised guarded(Work work) {
        std::jmp_buf here;
        cpu->recovery = &here;
        if (setjmp(here) != 0) {
            cpu->recovery = nullptr;
            return {cpu->pending_exception};
        }
        work();
        cpu->recovery = nullptr;
        return {};
    }

    CpuState& s() { return cpu->state; }

    std::unique_ptr<PhysicalMemory> memory;
    FakeBoard board;
    Model model;
    std::unique_ptr<Cpu> cpu;
};

}  // namespace bantam
