// I82801Audio: the AC'97 audio controller of the 82801AA (Intel 82801AA datasheet, 290655, chapter 13), PCI function
// 8086:2415: native audio mixer registers (BAR 0, the codec's) and native audio bus master registers (BAR 1) with the
// three engines PCM in, PCM out and microphone in, each with a list of 32 buffer descriptors. PCM out plays two samples
// a frame at the codec's rate; the inputs deliver silence. Samples move in portions of half a millisecond, each when it
// has been played, and a buffer's last at its own time. Left out: secondary codec, 4 and 6 channels, the modem
// function.
#pragma once

#include <array>
#include <vector>

#include "base/scheduler.h"
#include "devices/audio_sink.h"
#include "devices/pci.h"
#include "devices/stac9700.h"
#include "mmu/physical_memory.h"

namespace bantam::devices {

class I82801Audio final : public PciFunction {
public:
    static constexpr unsigned kMixerBar = 0, kBusMasterBar = 1;
    enum Engine : unsigned { kPcmIn, kPcmOut, kMicrophone };
    static constexpr unsigned kEngines = 3;

    struct Pins {
        OutputLine interrupt;  // INTB#
    };
    I82801Audio(Scheduler& scheduler, PhysicalMemory& memory, Stac9700& codec, Pins pins);

    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// BAR 0 and BAR 1.
    RegisterSpace mixer_registers();
    RegisterSpace bus_master_registers();

    /// Null: nobody hears it.
    void connect(AudioSink* sink) { sink_ = sink; }

    struct EngineRegisters {
        u32 list = 0;       // BDBAR
        u8 current = 0;     // CIV
        u8 last_valid = 0;  // LVI
        u8 prefetched = 0;  // PIV
        u8 control = 0;     // CR
        u16 status = 1;     // SR: DMA controller halted
        u32 address = 0;    // of the next sample
        u32 left = 0;       // PICB: samples left in the buffer
        u16 flags = 0;      // of the buffer: interrupt on completion, play the last sample on
        u32 portion = 0;    // samples that are played now
        u64 origin_ns = 0;  // when sample 0 began,
        u64 done = 0;       // samples since then
        u32 rate = 96'000;  // and their rate, samples a second
        void describe(Archive& archive);
    };

private:
    u32 read_bus_master(u64 offset, unsigned size, bool peek);
    void write_bus_master(u64 offset, unsigned size, u32 value);
    void write_engine(Engine which, unsigned offset, u8 value);
    [[nodiscard]] u8 engine_byte(Engine which, unsigned offset) const;
    [[nodiscard]] u32 global_status() const;
    [[nodiscard]] u32 sample_rate(Engine which) const;
    void write_control(Engine which, u8 value);
    void run(Engine which);
    void load_buffer(Engine which);
    void arm(Engine which);
    void portion_due(Engine which);
    void buffer_done(Engine which);
    void play(EngineRegisters& engine);
    void update_interrupt();

    Scheduler& scheduler_;
    PhysicalMemory& memory_;
    Stac9700& codec_;
    Pins pins_;
    std::array<EngineRegisters, kEngines> engines_{};
    u32 global_control_ = 0;
    bool semaphore_ = false;
    bool interrupt_ = false;
    std::array<Timer, kEngines> timers_;
    AudioSink* sink_ = nullptr;
    std::vector<AudioFrame> frames_;
};

}  // namespace bantam::devices
