// Fuzz target: the Sound Blaster 16's DSP and mixer on ISA DMA: any port access, programmed DMA, damaged state, any
// time step.
#include "devices/ct1741.h"
#include "devices/ct1745.h"
#include "devices/isa_dma.h"
#include "tests/devices/recorded_audio.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    static const auto memory = std::move(PhysicalMemory::create(u64{1} << 24).value());
    ChipSession session(data, size);
    IsaDma dma(session.scheduler, *memory);
    const bool words_as_bytes = size % 3 == 0;
    Ct1741 dsp(session.scheduler, {.interrupt = nullptr, .request = [&](Ct1741::Channel channel, bool level) {
                                       dma.set_request(channel == Ct1741::kNarrow ? 1 : words_as_bytes ? 3 : 5, level);
                                   }});
    Ct1745 mixer({.volumes_changed = nullptr, .routing_changed = nullptr, .interrupt_status = [&] {
                      return dsp.interrupt_status();
                  }});
    for (const unsigned channel : {1u, 3u, 5u}) {
        const Ct1741::Channel owner = channel == 1 ? Ct1741::kNarrow : Ct1741::kWide;
        const unsigned bytes = channel == 5 ? 2 : 1;
        dma.connect(channel, {.read = [&dsp, owner, bytes](bool) { return dsp.dma_read(owner, bytes); },
                              .write = [&dsp, owner, bytes](u16 value, bool) { dsp.dma_write(owner, value, bytes); },
                              .verify = nullptr});
    }
    RecordedAudio sound;
    if (size % 2 == 0) dsp.connect(&sound);
    session.add_chip(dsp);
    session.add_chip(mixer);
    session.add_chip(dma);
    session.add_window(dsp.registers(), 10);
    session.add_window(dsp.registers(), 10);
    session.add_window(mixer.registers(), 2);
    session.add_window(dma.first_registers(), 16);
    session.add_window(dma.second_registers(), 32);
    // A command with its arguments.
    session.add_action([&](u64 value) {
        for (unsigned i = 0; i < 4; ++i) dsp.write(6, static_cast<u8>(value >> (8 * i)));
    });
    // Channels 1, 3 and 5 ready.
    session.add_action([&](u64 value) {
        dma.second_registers().write(0x16, 1, 0xC0);
        dma.second_registers().write(0x14, 1, 0);
        for (const unsigned channel : {1u, 3u}) {
            dma.first_registers().write(0x0B, 1, (value & 0x3C) | 0x40 | channel);
            dma.first_registers().write(0x0A, 1, channel);
        }
        dma.second_registers().write(0x16, 1, (value & 0x3C) | 0x41);
        dma.second_registers().write(0x14, 1, 1);
    });
    session.add_action([&](u64) { sound = {}; });
    session.run();
    return 0;
}
