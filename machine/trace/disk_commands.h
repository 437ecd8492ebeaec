// DiskCommands: reads from the writes to an IDE channel's ports which commands its drives get (ATA/ATAPI-6, clause 6.2:
// the command is written last).
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "base/types.h"

namespace bantam {

class DiskCommands {
public:
    /// `base`: of the command block, 1F0h or 170h.
    DiskCommands(u16 base, std::string channel, std::function<void(std::string text)> tell)
        : base_(base), channel_(std::move(channel)), tell_(std::move(tell)) {}

    void written(u16 port, unsigned size, u32 value);

private:
    void command(u8 code);
    void packet_data(unsigned size, u32 value);
    [[nodiscard]] const char* drive() const;

    u16 base_;
    std::string channel_;
    std::function<void(std::string)> tell_;
    std::array<u8, 8> now_{};     // what was written last, by offset
    std::array<u8, 8> before_{};  // and before that: the high halves of 48-bit commands
    std::vector<u8> packet_;
    bool in_packet_ = false;
};

}  // namespace bantam
