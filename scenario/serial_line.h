// SerialLine: a serial line whose far end is the scenario. Input is taken at the run loop's looks at the host
// (RunLoop::kHostPeriod_ns of guest time), so in virtual time it is repeatable.
#pragma once

#include <string>

#include "machine/host/host_port.h"

namespace bantam::scenario {

class SerialLine final : public host::HostPort {
public:
    /// What a guest sends beyond that is not kept.
    static constexpr std::size_t kMostOutput = std::size_t{64} << 20;

    /// Bytes for the guest, behind those that wait.
    void send(const std::string& text) { input_ += text; }
    /// All that the guest has sent, up to kMostOutput.
    [[nodiscard]] const std::string& output() const { return output_; }
    [[nodiscard]] bool full() const { return output_.size() == kMostOutput; }

    void put(u8 byte) override {
        if (!full()) output_ += static_cast<char>(byte);
    }
    std::optional<u8> get() override {
        if (!input_waiting()) return std::nullopt;
        return static_cast<u8>(input_[taken_++]);
    }
    void add_poll(std::vector<pollfd>&) const override {}
    void service() override {}
    [[nodiscard]] bool input_waiting() const override { return taken_ < input_.size(); }
    [[nodiscard]] bool input_possible() const override { return false; }
    void drain(int) override {}
    [[nodiscard]] std::string description() const override { return "the scenario"; }

private:
    std::string output_;
    std::string input_;
    std::size_t taken_ = 0;  // bytes of input_ that the guest's UART has taken
};

}  // namespace bantam::scenario
