// 16550A from fuzzer bytes: registers, time, and a far end that sends and hangs up.
#include "devices/uart16550.h"

#include "tests/fuzz/chip_driver.h"

namespace {
class NoisyPort final : public bantam::devices::CharacterPort {
public:
    void put(bantam::u8) override {}
    std::optional<bantam::u8> get() override {
        return count_ % 7 == 6 ? ++count_, std::nullopt : std::optional(count_++);
    }
    [[nodiscard]] bool connected() const override { return count_ % 11 != 0; }

private:
    bantam::u8 count_ = 0;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const bantam::u8* data, std::size_t size) {
    bantam::Scheduler scheduler;
    NoisyPort port;
    bantam::devices::Uart16550 chip("com1", scheduler, {}, &port);
    bantam::RegisterSpace space = chip.registers();
    bantam::fuzz::Input input(data, size);
    while (!input.empty()) {
        bantam::fuzz::step(input, scheduler, space, 8);
        chip.receive_ready();
    }
    chip.reset();
    return 0;
}
