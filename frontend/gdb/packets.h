// The packets of gdb's remote protocol ("Debugging with GDB", appendix E, "Overview" and "Packet Acknowledgment").
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/types.h"

namespace bantam::frontend::gdb {

/// What may come from gdb.
struct Packet {
    std::string text;  // unescaped
};
struct Damaged {};    // a packet whose sum is wrong
struct Interrupt {};  // Ctrl-C
struct Repeat {};     // our last packet did not arrive
using Input = std::variant<Packet, Damaged, Interrupt, Repeat>;

class PacketReader {
public:
    /// A longer packet comes out as damaged.
    static constexpr std::size_t kMostBytes = 0x4000;

    void put(std::string_view bytes) { waiting_ += bytes; }
    /// The next whole thing that came.
    std::optional<Input> next();

private:
    std::optional<Input> take_packet();

    std::string waiting_;
};

/// "$text#sum", with what must be escaped so.
std::string framed(std::string_view text);

// --- hexadecimal digits
std::string to_hex(std::span<const u8> bytes);
std::string to_hex(std::string_view text);
std::optional<std::vector<u8>> from_hex(std::string_view digits);
/// A number at the beginning of `text`, which loses it; nothing where there is none of at most 16 digits.
std::optional<u64> take_number(std::string_view& text);
/// `text` begins with `prefix`, and loses it.
bool take_prefix(std::string_view& text, std::string_view prefix);

}  // namespace bantam::frontend::gdb
