// See pc_speaker.h.
#include "devices/pc_speaker.h"

#include <fmt/format.h>

namespace bantam::devices {

void PcSpeaker::reset() {
    r_ = {};
    drive(scheduler_.now(), false);
}

void PcSpeaker::describe(Archive& archive) { archive.field("data", r_.data); }

std::string PcSpeaker::info() const { return fmt::format("speaker: {}\n", r_.data ? "hears timer 2" : "off"); }

void PcSpeaker::set_data(bool level) {
    if (level == r_.data) return;
    if (pins_.tell_edges) pins_.tell_edges();
    r_.data = level;
    drive(scheduler_.now(), level && pins_.out2 && pins_.out2());
}

void PcSpeaker::edge(u64 time_ns, bool level) {
    if (r_.data) drive(time_ns, level);
}

void PcSpeaker::drive(u64 time_ns, bool level) {
    if (sink_ == nullptr) return;
    const i16 amplitude = level ? kHigh : i16{0};
    sink_->set_level(time_ns, {amplitude, amplitude});
    if (r_.data) sink_->wake();
}

bool PcSpeaker::generate() {
    if (!listens()) return false;
    if (pins_.tell_edges) pins_.tell_edges();
    return pins_.runs && pins_.runs();
}

}  // namespace bantam::devices
