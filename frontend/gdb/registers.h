// The registers as gdb knows them: the target description ("Debugging with GDB", appendix G, "i386 Features") and each
// register's value in the order of that description. 64-bit ones where the processor is in long mode, 32-bit ones
// elsewhere; what gdb has no feature for (control registers, segment bases, EFER) is in a feature of our own.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cpu/cpu.h"

namespace bantam::frontend::gdb {

class Registers {
public:
    Registers(Cpu& cpu, bool long_mode);

    [[nodiscard]] std::string description() const;
    [[nodiscard]] std::size_t count() const { return rows_.size(); }
    /// In the guest's byte order; `index` < count().
    [[nodiscard]] std::vector<u8> read(std::size_t index) const;
    [[nodiscard]] std::size_t bytes(std::size_t index) const { return rows_.at(index).bits / 8; }
    /// False: it cannot be written (segments, control registers), or has another size.
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
    bool long_mode_;
    std::vector<Row> rows_;
    std::vector<Feature> features_;
};

}  // namespace bantam::frontend::gdb
