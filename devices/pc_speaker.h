// PcSpeaker: the loudspeaker of the PC's system board. It hears OUT2 of the 8254 while port 61h bit 1 (speaker data)
// lets it through (IBM PC/AT technical reference, "Speaker"): tones by the timer, samples by the width of its pulses or
// by the bit itself. The edges of OUT2 are told in retrospect, when the sound up to now is wanted, so a tone costs the
// guest no event.
#pragma once

#include "base/scheduler.h"
#include "devices/audio_sink.h"
#include "devices/device.h"

namespace bantam::devices {

class PcSpeaker final : public Device {
public:
    /// The level while the signal is high: a quarter of full scale, so that it does not drown a sound card.
    static constexpr i16 kHigh = 8192;

    struct Pins {
        std::function<void()> tell_edges;  // edge() is to be called for every edge of OUT2 up to now
        std::function<bool()> out2;        // its level now
        std::function<bool()> runs;        // it will change without anything done to it
    };
    PcSpeaker(Scheduler& scheduler, Pins pins) : scheduler_(scheduler), pins_(std::move(pins)) {}

    [[nodiscard]] std::string_view name() const override { return "speaker"; }
    void reset() override;
    void describe(Archive& archive) override;
    [[nodiscard]] std::string info() const override;

    /// Port 61h bit 1.
    void set_data(bool level);
    /// Edges are to be told.
    [[nodiscard]] bool listens() const { return sink_ != nullptr && r_.data; }
    /// OUT2 has `level` from `time_ns` on.
    void edge(u64 time_ns, bool level);

    /// Null: nobody hears it.
    void connect(AudioSink* sink) { sink_ = sink; }
    /// Hands the sound up to now to the sink; false: silent until it wakes the sink.
    bool generate();

    struct Registers {
        bool data = false;
    };

private:
    void drive(u64 time_ns, bool level);

    Scheduler& scheduler_;
    Pins pins_;
    Registers r_;
    AudioSink* sink_ = nullptr;
};

}  // namespace bantam::devices
