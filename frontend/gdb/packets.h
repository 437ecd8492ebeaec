// The packets of gdb's remote protocol ("Debugging with GDB", appendix E, "Overview", "Packet Acknowledgment" and
// "Binary Data"). Leaves out run-length encoding, which gdb does not send.
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
struct Damaged {};    // a packet whose sum is wrong, or that is too long
struct Interrupt {};  // Ctrl-C
struct Repeat {};     // our last packet did not arrive
using Input = std::variant<Packet, Damaged, Interrupt, Repeat>;

class PacketReader {
public:
    /// The longest packet, between '$' and '#' as it comes.
    static constexpr std::size_t kMostBytes = 0x4000;

    void put(std::string_view bytes) { waiting_ += bytes; }
    /// The next whole thing that came. What is kept of the rest is no more than that and one put().
    std::optional<Input> next();

private:
    enum class Part : u8 { between, text, first_digit, second_digit };
    std::optional<Input> take(char c);
    Input finish(char second_digit);

    std::string waiting_;
    std::size_t taken_ = 0;  // bytes of waiting_
    Part part_ = Part::between;
    std::string text_;  // of the packet that is coming
    bool too_long_ = false;
    char first_digit_ = 0;
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
