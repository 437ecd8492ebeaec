// Fuzz target: 16550A: registers, any time step, and a far end that sends and hangs up.
#include "devices/uart16550.h"

#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

namespace {
class NoisyPort final : public CharacterPort {
public:
    void put(u8) override {}
    std::optional<u8> get() override { return count_ % 7 == 6 ? ++count_, std::nullopt : std::optional(count_++); }
    [[nodiscard]] bool connected() const override { return count_ % 11 != 0; }

private:
    u8 count_ = 0;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    NoisyPort port;
    Uart16550 chip("com1", session.scheduler, {}, &port);
    session.add_chip(chip);
    session.add_window(chip.registers(), 8);
    session.add_action([&](u64) { chip.receive_ready(); });
    session.run();
    return 0;
}
