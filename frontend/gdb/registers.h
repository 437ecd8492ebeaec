// The registers as gdb knows them: the target description ("Debugging with GDB", appendix G, "i386 Features") and each
// register's value in the order of that description. A description holds for a whole connection, whatever mode the
// guest enters: it has 64-bit registers or 32-bit ones, and with these it may be an 8086's, which to gdb differs in how
// code is disassembled. What gdb has no feature for (control registers, segment bases, EFER) is in a feature of our
// own. Segment and control registers are written as the processor loads them (cpu/system/outside_writes.h). Segment
// bases, descriptor tables and the x87's and SSE's control registers can be read only.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cpu/cpu.h"
#include "cpu/system/outside_writes.h"

namespace bantam::frontend::gdb {

class Registers {
public:
    /// `bits`: 16, 32 or 64; 0: what code at CS:RIP is now, and 64 in compatibility mode.
    Registers(Cpu& cpu, unsigned bits);

    [[nodiscard]] std::string description() const;
    [[nodiscard]] std::size_t count() const { return rows_.size(); }
    /// In the guest's byte order; `index` < count().
    [[nodiscard]] std::vector<u8> read(std::size_t index) const;
    [[nodiscard]] std::size_t bytes(std::size_t index) const { return rows_.at(index).bits / 8; }
    /// It takes any value, whatever the others hold.
    [[nodiscard]] bool plain(std::size_t index) const {
        return rows_.at(index).put != nullptr && !rows_[index].checked;
    }
    /// Of a general register, what the processor cannot hold in its mode is left out. Errors (usage): it cannot be
    /// written, has another size, or the processor refuses the value.
    [[nodiscard]] Result<void> write(std::size_t index, std::span<const u8> value);

private:
    struct Row {
        std::string name;
        unsigned bits = 0;
        std::string type;
        std::function<void(std::span<u8>)> get;
        std::function<std::optional<Exception>(std::span<const u8>)> put = nullptr;
        bool checked = false;  // `put` may refuse
    };
    struct Feature {
        std::string name, types;
        std::size_t first = 0;  // of rows_
    };

    void begin(std::string name, std::string types = {});
    void add(std::string name, unsigned bits, std::string type, std::function<u64()> get,
             std::function<void(u64)> put = nullptr);
    void add_checked(std::string name, unsigned bits, std::string type, std::function<u64()> get,
                     const std::function<std::optional<Exception>(u64)>& put);
    void add_segment(const char* name, SegmentIndex index);
    void add_control(const char* name, u64 CpuState::*value, ControlRegister control);
    void add_bytes(std::string name, std::string type, std::span<u8> bytes);
    void add_core();
    void add_x87();
    void add_vectors();
    void add_system();

    Cpu& cpu_;
    unsigned bits_;
    bool long_mode_;  // 64-bit registers
    std::vector<Row> rows_;
    std::vector<Feature> features_;
};

void set_instruction_pointer(Cpu& cpu, u64 value);

}  // namespace bantam::frontend::gdb
