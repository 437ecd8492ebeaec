// The registers as gdb knows them: the target description ("Debugging with GDB", appendix G, "i386 Features") and each
// register's value in the order of that description. A description holds for a whole connection, whatever mode the
// guest enters: it has 64-bit registers or 32-bit ones, and with these it may be an 8086's, which to gdb differs in how
// code is disassembled. What gdb has no feature for (control registers, segment bases, EFER) is in a feature of our
// own, and can be read only, as segments can and the x87's and SSE's control registers.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cpu/cpu.h"

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
    [[nodiscard]] bool writable(std::size_t index) const { return rows_.at(index).put != nullptr; }
    /// False: it cannot be written, or has another size. What the processor cannot hold in its mode is left out.
    [[nodiscard]] bool write(std::size_t index, std::span<const u8> value);

private:
    struct Row {
        std::string name;
        unsigned bits = 0;
        std::string type;
        std::function<void(std::span<u8>)> get;
        std::function<void(std::span<const u8>)> put = nullptr;
    };
    struct Feature {
        std::string name, types;
        std::size_t first = 0;  // of rows_
    };

    void begin(std::string name, std::string types = {});
    void add(std::string name, unsigned bits, std::string type, std::function<u64()> get,
             std::function<void(u64)> put = nullptr);
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
