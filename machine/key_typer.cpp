#include "machine/key_typer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace bantam {
namespace {

std::optional<devices::KeyCode> find_key(std::string_view name) {
    if (name.size() < 3 || !name.starts_with("0x")) return devices::key_by_name(name);
    u16 code = 0;
    const auto [end, error] = std::from_chars(name.data() + 2, name.data() + name.size(), code, 16);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return devices::key_by_set1(code);
}

}  // namespace

Result<Chord> parse_chord(std::string_view keys) {
    Chord chord;
    for (std::size_t at = 0; at <= keys.size();) {
        const std::size_t end = std::min(keys.find('-', at), keys.size());
        const std::string_view name = keys.substr(at, end - at);
        const std::optional<devices::KeyCode> key = find_key(name);
        if (!key) {
            return Error{ExitStatus::usage,
                         fmt::format("unknown key '{}': names are like a, shift, ret, f1, kp_5, or scan codes like "
                                     "0x1d, joined as ctrl-alt-delete",
                                     name)};
        }
        chord.push_back(*key);
        at = end + 1;
    }
    return chord;
}

KeyTyper::KeyTyper(Scheduler& scheduler, Press press)
    : scheduler_(scheduler), press_(std::move(press)), timer_(scheduler, "sendkey", [this] { step(); }) {}

Result<void> KeyTyper::type(Chord chord, u64 hold_ns) {
    if (waiting_.size() >= kMaxWaiting) {
        return Error{ExitStatus::usage,
                     fmt::format("{} keys wait already; let the guest take them first", kMaxWaiting)};
    }
    waiting_.push_back({std::move(chord), hold_ns});
    if (!timer_.armed()) step();
    return {};
}

void KeyTyper::step() {
    if (!held_.empty()) {
        for (auto key = held_.rbegin(); key != held_.rend(); ++key) press_(*key, false);
        held_.clear();
        timer_.arm(scheduler_.now() + kGap_ns);
        return;
    }
    if (waiting_.empty()) return;
    const u64 hold_ns = waiting_.front().hold_ns;
    held_ = std::move(waiting_.front().chord);
    waiting_.pop_front();
    for (const devices::KeyCode key : held_) press_(key, true);
    timer_.arm(scheduler_.now() + hold_ns);
}

void KeyTyper::reset() {
    waiting_.clear();
    held_.clear();
    timer_.disarm();
}

void KeyTyper::describe(Archive& archive) {
    u64 waiting = waiting_.size();
    u64 held = held_.size();
    archive.field("waiting", waiting);
    archive.field("held", held);
}

}  // namespace bantam
