// Fuzz target: the PC speaker behind an 8254 and port 61h, heard by nobody, a mixer or a sink alone: any register
// access, any time step, damaged state.
#include "devices/pc_speaker.h"

#include "devices/i8254.h"
#include "devices/system_ports.h"
#include "tests/devices/recorded_audio.h"
#include "tests/fuzz/chip_session.h"

using namespace bantam;
using namespace bantam::devices;

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
    ChipSession session(data, size);
    I8254* timer = nullptr;
    PcSpeaker speaker(session.scheduler, {.tell_edges = [&] { timer->tell_edges(); },
                                          .out2 = [&] { return timer->out(2); },
                                          .runs = [&] { return timer->out2_runs(); }});
    I8254 pit(session.scheduler, {.out = {},
                                  .edges_wanted = [&] { return speaker.listens(); },
                                  .edge = [&](u64 time_ns, bool level) { speaker.edge(time_ns, level); }});
    timer = &pit;
    SystemControlB port(session.scheduler, {.timer2_gate = [&](bool level) { pit.set_gate(2, level); },
                                            .speaker_data = [&](bool level) { speaker.set_data(level); },
                                            .timer2_output = [&] { return pit.out(2); },
                                            .nmi = nullptr});
    RecordedAudio sound;
    speaker.connect(&sound);
    session.add_chip(pit);
    session.add_chip(port);
    session.add_chip(speaker);
    session.add_window(pit.registers(), 4);
    session.add_window(port.registers(), 1);
    session.add_action([&](u64) {
        (void)speaker.generate();
        sound.steps.clear();
    });
    session.run();
    return 0;
}
