// MC146818 from fuzzer bytes.
#include "devices/mc146818.h"

#include "tests/fuzz/chip_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const bantam::u8* data, std::size_t size) {
    bantam::Scheduler scheduler;
    bantam::devices::Mc146818 chip(scheduler, {}, 1'000'000'000);
    bantam::RegisterSpace space = chip.registers();
    bantam::fuzz::Input input(data, size);
    while (!input.empty()) bantam::fuzz::step(input, scheduler, space, 4);
    chip.reset();
    return 0;
}
