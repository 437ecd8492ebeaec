// FwCfg's ports and DMA commands from fuzzer bytes; the guest's memory is part of the input.
#include "devices/fw_cfg.h"

#include "tests/fuzz/chip_session.h"

extern "C" int LLVMFuzzerTestOneInput(const bantam::u8* data, std::size_t size) {
    using namespace bantam;
    static const std::unique_ptr<PhysicalMemory> memory = std::move(PhysicalMemory::create(1 << 16).value());
    devices::FwCfg device(*memory);
    device.set_file("etc/file", std::vector<u8>(9000, 1));
    devices::ChipSession session(data, size);
    RegisterSpace ports = device.ports(), dma = device.dma_ports();
    ports.peek = nullptr;
    session.add_window(ports, 2);
    session.add_window(dma, 8);
    session.add_chip(device);
    session.add_action([&](u64 value) {  // a command of plausible fields, started
        const u64 big = __builtin_bswap64(value);
        memory->write({0x100}, 8, big);
        memory->write({0x108}, 8, __builtin_bswap64(value * 977 & 0x1FFFF));
        dma.write(4, 4, __builtin_bswap32(0x100));
    });
    session.run();
    return 0;
}
