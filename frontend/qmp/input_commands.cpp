// Commands that act for a person: keys, mouse, screen (QEMU, qapi/ui.json).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "frontend/qmp/command.h"
#include "machine/image_writer.h"

namespace bantam::frontend::qmp {
namespace {

// --- keys: by name, or by scan code

constexpr Type kKeyName{Type::Kind::keys, "QKeyCode"};
constexpr std::array kKeyVariants{Variant{"qcode", &kKeyName}, Variant{"number", &kInteger}};
constexpr std::array<std::string_view, 2> kKeyKinds{"number", "qcode"};
constexpr Type kKeyKind{.kind = Type::Kind::words, .name = "KeyValueKind", .words = kKeyKinds};
constexpr std::array kKeyMembers{Member{"type", &kKeyKind}};
constexpr Type kKey{.kind = Type::Kind::object, .name = "KeyValue", .members = kKeyMembers, .variants = kKeyVariants};
constexpr Type kKeyList{.kind = Type::Kind::array, .name = "[KeyValue]", .element = &kKey};
constexpr std::array kSendKeyArguments{Member{"keys", &kKeyList}, Member{"hold-time", &kInteger, true}};

std::optional<devices::KeyCode> key_of(const json& key) {
    if (key["type"] == "qcode") return devices::key_by_name(key["data"].get<std::string>());
    // QEMU's numbers are those of Linux's atkbd in one byte: bit 7 stands for the prefix E0h.
    const i64 number = key["data"].get<i64>();
    if (number < 0 || number > 0xFF) return std::nullopt;
    return devices::key_by_set1(static_cast<u16>((number & 0x80) != 0 ? 0xE000 | (number & 0x7F) : number));
}

Failure no_key(const json& key) {
    return {fmt::format("Parameter 'data' does not accept value '{}'", key["data"].dump())};
}

Reply send_key(Context& context, const json& arguments) {
    constexpr i64 kUsualHold_ms = 100, kLongestHold_ms = 60'000;
    const i64 hold_ms = arguments.value("hold-time", kUsualHold_ms);
    if (hold_ms <= 0 || hold_ms > kLongestHold_ms)
        return Failure{fmt::format("Parameter 'hold-time' expects 1 to {} milliseconds", kLongestHold_ms)};
    std::vector<devices::KeyCode> chord;
    for (const json& key : arguments["keys"]) {
        const auto code = key_of(key);
        if (!code) return no_key(key);
        chord.push_back(*code);
    }
    if (chord.empty()) return json::object();
    const Result<void> typed = context.machine.send_keys(std::move(chord), static_cast<u64>(hold_ms) * 1'000'000);
    if (!typed) return Failure{typed.error().message};
    return json::object();
}

// --- single events

constexpr std::array kKeyEventMembers{Member{"key", &kKey}, Member{"down", &kBoolean}};
constexpr Type kKeyEvent{.kind = Type::Kind::object, .name = "InputKeyEvent", .members = kKeyEventMembers};
constexpr std::array<std::string_view, 7> kButtonWords{"left",       "middle", "right", "wheel-up",
                                                       "wheel-down", "side",   "extra"};
constexpr Type kButton{.kind = Type::Kind::words, .name = "InputButton", .words = kButtonWords};
constexpr std::array kButtonEventMembers{Member{"button", &kButton}, Member{"down", &kBoolean}};
constexpr Type kButtonEvent{.kind = Type::Kind::object, .name = "InputBtnEvent", .members = kButtonEventMembers};
constexpr std::array<std::string_view, 2> kAxisWords{"x", "y"};
constexpr Type kAxis{.kind = Type::Kind::words, .name = "InputAxis", .words = kAxisWords};
constexpr std::array kMoveEventMembers{Member{"axis", &kAxis}, Member{"value", &kInteger}};
constexpr Type kMoveEvent{.kind = Type::Kind::object, .name = "InputMoveEvent", .members = kMoveEventMembers};
constexpr std::array kEventVariants{Variant{"key", &kKeyEvent}, Variant{"btn", &kButtonEvent},
                                    Variant{"rel", &kMoveEvent}, Variant{"abs", &kMoveEvent}};
constexpr std::array<std::string_view, 4> kEventKinds{"key", "btn", "rel", "abs"};
constexpr Type kEventKind{.kind = Type::Kind::words, .name = "InputEventKind", .words = kEventKinds};
constexpr std::array kEventMembers{Member{"type", &kEventKind}};
constexpr Type kEvent{
    .kind = Type::Kind::object, .name = "InputEvent", .members = kEventMembers, .variants = kEventVariants};
constexpr Type kEventList{.kind = Type::Kind::array, .name = "[InputEvent]", .element = &kEvent};
constexpr std::array kInputArguments{Member{"device", &kString, true}, Member{"head", &kInteger, true},
                                     Member{"events", &kEventList}};

/// What one input-send-event adds up to: the mouse gets it as one movement.
struct Pointing {
    int dx = 0, dy = 0, wheel = 0;
    bool moved = false, buttons_changed = false, placed = false;
};

/// Our number of a button; nothing for the wheel, which has none.
std::optional<unsigned> button_number(const std::string& name) {
    constexpr std::array<std::string_view, 5> kNumbers{"left", "right", "middle", "side", "extra"};
    const auto* found = std::find(kNumbers.begin(), kNumbers.end(), name);
    if (found == kNumbers.end()) return std::nullopt;
    return static_cast<unsigned>(found - kNumbers.begin());
}

void press_button(Context& context, const json& data, Pointing& pointing) {
    const bool down = data["down"].get<bool>();
    const auto name = data["button"].get<std::string>();
    if (const auto number = button_number(name)) {
        context.mouse_buttons = down ? context.mouse_buttons | 1u << *number : context.mouse_buttons & ~(1u << *number);
        pointing.buttons_changed = true;
    } else if (down) {
        pointing.wheel += name == "wheel-down" ? 1 : -1;
    }
}

void move_pointer(Context& context, const json& event, Pointing& pointing) {
    constexpr i64 kMostAbsolute = 0x7FFF, kMostRelative = 0xFFFF;
    const i64 value = event["data"]["value"].get<i64>();
    const bool x = event["data"]["axis"] == "x";
    if (event["type"] == "rel") {
        (x ? pointing.dx : pointing.dy) += static_cast<int>(std::clamp(value, -kMostRelative, kMostRelative));
        pointing.moved = true;
    } else {
        const auto place = static_cast<unsigned>(std::clamp<i64>(value, 0, kMostAbsolute) * 0xFFFF / kMostAbsolute);
        (x ? context.pointer.x : context.pointer.y) = place;
        pointing.placed = true;
    }
}

Reply input_send_event(Context& context, const json& arguments) {
    Machine& machine = context.machine;
    if (arguments.contains("device")) {
        return Failure{fmt::format("Device '{}' not found", arguments["device"].get<std::string>()),
                       ErrorClass::device_not_found};
    }
    if (!machine.running()) return Failure{"VM not running"};
    for (const json& event : arguments["events"]) {
        if (event["type"] == "abs" && !machine.mouse_is_absolute())
            return Failure{"Input handler not found for event type abs"};
        if (event["type"] == "key" && !key_of(event["data"]["key"])) return no_key(event["data"]["key"]);
    }
    Pointing pointing;
    for (const json& event : arguments["events"]) {
        const json& data = event["data"];
        if (event["type"] == "key") machine.set_key(*key_of(data["key"]), data["down"].get<bool>());
        if (event["type"] == "btn") press_button(context, data, pointing);
        if (event["type"] == "rel" || event["type"] == "abs") move_pointer(context, event, pointing);
    }
    const bool wheel = pointing.wheel != 0;
    if (machine.mouse_is_absolute() && (pointing.placed || pointing.buttons_changed || wheel)) {
        static_cast<void>(
            machine.mouse_absolute(context.pointer.x, context.pointer.y, context.mouse_buttons, pointing.wheel));
    } else {
        if (pointing.buttons_changed) machine.mouse_button(context.mouse_buttons);
        if (wheel) machine.mouse_move(0, 0, pointing.wheel);
    }
    if (pointing.moved) machine.mouse_move(pointing.dx, pointing.dy);
    return json::object();
}

Reply query_mice(Context& context, const json&) {
    const bool absolute = context.machine.mouse_is_absolute(), tablet = context.machine.tablet_heard();
    json mice =
        json::array({{{"index", 0}, {"name", "PS/2 mouse"}, {"current", !absolute}, {"absolute", false}},
                     {{"index", 1}, {"name", "vmmouse"}, {"current", absolute && !tablet}, {"absolute", true}}});
    if (context.machine.config().usb.tablet)
        mice.push_back({{"index", 2}, {"name", "USB tablet"}, {"current", tablet}, {"absolute", true}});
    return mice;
}

// --- the screen

constexpr std::array<std::string_view, 2> kFormatWords{"ppm", "png"};
constexpr Type kFormat{.kind = Type::Kind::words, .name = "ImageFormat", .words = kFormatWords};
constexpr std::array kScreendumpArguments{Member{"filename", &kString}, Member{"device", &kString, true},
                                          Member{"head", &kInteger, true}, Member{"format", &kFormat, true}};

Reply screendump(Context& context, const json& arguments) {
    if (arguments.contains("device")) {
        return Failure{fmt::format("Device '{}' not found", arguments["device"].get<std::string>()),
                       ErrorClass::device_not_found};
    }
    if (arguments.contains("head")) return Failure{"'head' must be specified together with 'device'"};
    const devices::Frame frame = context.machine.frame();
    const bool png = arguments.value("format", "ppm") == "png";
    const Result<void> written =
        write_file(arguments["filename"].get<std::string>(), png ? encode_png(frame) : encode_ppm(frame));
    if (!written) return Failure{written.error().message};
    return json::object();
}

constexpr std::array kCommands{
    QmpCommand{"send-key", kSendKeyArguments, send_key},
    QmpCommand{"input-send-event", kInputArguments, input_send_event},
    QmpCommand{"query-mice", {}, query_mice, &kMouseInfos},
    QmpCommand{"screendump", kScreendumpArguments, screendump},
};

}  // namespace

std::span<const QmpCommand> input_commands() { return kCommands; }

}  // namespace bantam::frontend::qmp
