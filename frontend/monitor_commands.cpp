// The monitor's commands, one table: name, arguments, what it does, how. Every handler runs on the machine's thread.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <span>
#include <vector>

#include "frontend/examine.h"
#include "frontend/monitor.h"
#include "frontend/options.h"
#include "frontend/values.h"
#include "machine/guest_memory.h"
#include "scenario/screen.h"

namespace bantam::frontend {
namespace {

/// A command's words; words[0] is its name without what follows a slash.
struct Call {
    Machine& machine;
    std::vector<std::string> words;
    std::string format;  // after the slash of x/10i

    [[nodiscard]] const std::string& word(std::size_t i) const { return words[i]; }
};

using Reply = Result<std::string>;

struct MonitorCommand {
    std::string_view name;
    std::string_view arguments;
    std::string_view help;
    std::size_t least, most;  // words after the name
    Reply (*run)(Call& call);
};
std::span<const MonitorCommand> command_list();

Error complaint(std::string message) { return {ExitStatus::usage, std::move(message)}; }

Reply done(const Result<void>& result) {
    if (!result) return result.error();
    return std::string{};
}

// --- addresses: numbers and registers ($rip, $rsp, ...) joined by + and -

std::optional<u64> register_value(const CpuState& state, std::string_view name) {
    constexpr std::array<std::string_view, 17> kNames{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
                                                      "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (name == kNames[i]) return state.gpr[i];
        if (name.starts_with('e') && i != 8 && name.substr(1) == kNames[i].substr(1)) return state.gpr[i] & 0xFFFFFFFF;
    }
    if (name == "pc") return state.segment[kCs].base + state.rip();
    if (name == "sp") return state.segment[kSs].base + state.gpr[kRsp];
    if (name == "cr3") return state.cr3;
    return std::nullopt;
}

Result<u64> evaluate(const CpuState& state, std::string_view text) {
    u64 sum = 0;
    bool negative = false;
    std::string_view rest = text;
    while (true) {
        const std::size_t end = rest.find_first_of("+-");
        const std::string_view term = rest.substr(0, end);
        const auto value = term.starts_with('$') ? register_value(state, term.substr(1)) : parse_number(term);
        if (!value) {
            return complaint(
                fmt::format("'{}' is no address: use a number (0x for hexadecimal), $rip, $rsp, $pc and the like, "
                            "joined by + and -",
                            text));
        }
        sum = negative ? sum - *value : sum + *value;
        if (end == rest.npos) return sum;
        negative = rest[end] == '-';
        rest.remove_prefix(end + 1);
    }
}

Reply examine_with(Call& call, const PeekByte& peek) {
    const auto format = parse_examine_format(call.format);
    if (!format) return format.error();
    const auto address = evaluate(call.machine.cpu().state, call.word(1));
    if (!address) return address.error();
    return examine(format.value(), address.value(), call.machine.cpu().decode_mode(), peek);
}

Reply examine_linear(Call& call) {
    return examine_with(call, [&](u64 address) -> std::optional<u8> {
        Cpu& cpu = call.machine.cpu();
        const Translation found = peek_translation(call.machine.memory(), cpu.mmu.controls(), cpu.wrap_linear(address));
        if (!found.ok) return std::nullopt;
        return static_cast<u8>(call.machine.memory().peek(found.address, 1));
    });
}

Reply examine_physical(Call& call) {
    return examine_with(call, [&](u64 address) -> std::optional<u8> {
        return static_cast<u8>(call.machine.memory().peek({address}, 1));
    });
}

Reply save_physical(Call& call) {
    const auto address = evaluate(call.machine.cpu().state, call.word(1));
    if (!address) return address.error();
    const auto size = parse_size(call.word(2)).has_value() ? parse_size(call.word(2)) : parse_number(call.word(2));
    if (!size) return complaint(fmt::format("'{}' is no size", call.word(2)));
    return done(save_memory(physical_reader(call.machine.cpu()), address.value(), *size, call.word(3)));
}

Reply send_key(Call& call) {
    const Result<void> sent = call.machine.send_keys(call.word(1));
    if (!sent) return complaint(sent.error().message + key_suggestion(call.word(1)));
    return std::string{};
}

std::optional<int> parse_signed(const std::string& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Reply move_mouse(Call& call) {
    const auto dx = parse_signed(call.word(1));
    const auto dy = parse_signed(call.word(2));
    if (!dx || !dy) return complaint("mouse_move takes two whole numbers: right and down are positive");
    call.machine.mouse_move(*dx, *dy);
    return std::string{};
}

Reply press_mouse(Call& call) {
    const auto buttons = parse_number(call.word(1));
    if (!buttons || *buttons > 7)
        return complaint("mouse_button takes the pressed buttons as a sum: 1 left, 2 right, 4 middle");
    call.machine.mouse_button(static_cast<unsigned>(*buttons));
    return std::string{};
}

Reply change_medium(Call& call) {
    const Result<ImageConfig> image = parse_image(call.word(2));
    if (!image) return image.error();
    return done(call.machine.change_medium(call.word(1), image.value()));
}

Reply show_help(Call& call) {
    std::string text;
    for (const MonitorCommand& command : command_list()) {
        if (call.words.size() > 1 && command.name != call.word(1)) continue;
        text += fmt::format("{:<34} {}\n", fmt::format("{} {}", command.name, command.arguments), command.help);
    }
    if (text.empty()) return complaint(fmt::format("no command is called '{}'", call.word(1)));
    return text;
}

// clang-format off
constexpr std::array kMonitorCommands{
    MonitorCommand{"info", "WHAT", "registers, mem, tlb, pci, irq, block, or a device's name", 1, 1,
        [](Call& c) -> Reply { return c.machine.info(c.word(1)); }},
    MonitorCommand{"x", "/FORMAT ADDRESS", "examine linear memory: count, x d u o c i, b h w g (x/10i $pc)", 1, 1, examine_linear},
    MonitorCommand{"xp", "/FORMAT ADDRESS", "examine physical memory", 1, 1, examine_physical},
    MonitorCommand{"sendkey", "KEY[-KEY]...", "press keys together, such as ctrl-alt-delete", 1, 1, send_key},
    MonitorCommand{"mouse_move", "DX DY", "move the mouse", 2, 2, move_mouse},
    MonitorCommand{"mouse_button", "N", "set the pressed buttons: 1 left, 2 right, 4 middle", 1, 1, press_mouse},
    MonitorCommand{"screendump", "FILE", "write the screen to a .png or .ppm file", 1, 1,
        [](Call& c) -> Reply { return done(c.machine.screendump(c.word(1))); }},
    MonitorCommand{"screentext", "", "print the text on the screen", 0, 0,
        [](Call& c) -> Reply { return scenario::read_screen(c.machine); }},
    MonitorCommand{"pmemsave", "ADDRESS SIZE FILE", "write physical memory to a file", 3, 3, save_physical},
    MonitorCommand{"stop", "", "pause the guest", 0, 0, [](Call& c) -> Reply { c.machine.stop(); return std::string{}; }},
    MonitorCommand{"cont", "", "go on", 0, 0, [](Call& c) -> Reply { c.machine.cont(); return std::string{}; }},
    MonitorCommand{"system_reset", "", "reset the machine", 0, 0,
        [](Call& c) -> Reply { c.machine.system_reset(); return std::string{}; }},
    MonitorCommand{"system_powerdown", "", "press the power button", 0, 0,
        [](Call& c) -> Reply { c.machine.system_powerdown(); return std::string{}; }},
    MonitorCommand{"change", "DEVICE FILE[,readonly]", "put another image into a drive; none: no medium", 2, 2, change_medium},
    MonitorCommand{"eject", "DEVICE", "take the image out of a drive", 1, 1,
        [](Call& c) -> Reply { return done(c.machine.eject(c.word(1))); }},
    MonitorCommand{"quit", "", "end the machine and Bantam", 0, 0,
        [](Call& c) -> Reply { c.machine.request_quit(); return std::string{}; }},
    MonitorCommand{"help", "[COMMAND]", "list the commands", 0, 1, show_help},
};
// clang-format on

std::span<const MonitorCommand> command_list() { return kMonitorCommands; }

Reply run_line(Machine& machine, std::string_view line) {
    Call call{.machine = machine, .words = split_words(line), .format = {}};
    if (call.words.empty()) return std::string{};
    std::string& name = call.words.front();
    if (const std::size_t slash = name.find('/'); slash != std::string::npos) {
        call.format = name.substr(slash + 1);
        name.resize(slash);
    } else if ((name == "x" || name == "xp") && call.words.size() > 1 && call.word(1).starts_with('/')) {  // "x /10i A"
        call.format = call.word(1).substr(1);
        call.words.erase(call.words.begin() + 1);
    }
    std::vector<std::string_view> names;
    for (const MonitorCommand& command : kMonitorCommands) {
        names.push_back(command.name);
        if (command.name != name) continue;
        const std::size_t arguments = call.words.size() - 1;
        if (!call.format.empty() && name != "x" && name != "xp")
            return complaint(fmt::format("{} takes no /FORMAT", name));
        if (arguments < command.least || arguments > command.most) {
            return complaint(fmt::format("usage: {} {}", command.name, command.arguments));
        }
        return command.run(call);
    }
    return complaint(fmt::format("unknown command '{}'{} ('help' lists them)", name, suggestion(name, names)));
}

}  // namespace

MonitorAnswer execute_monitor_line(Machine& machine, std::string_view line) {
    const Reply reply = run_line(machine, line);
    MonitorAnswer answer{.text = reply ? reply.value() : reply.error().message, .refused = !reply};
    if (!answer.text.empty() && answer.text.back() != '\n') answer.text += '\n';
    return answer;
}

}  // namespace bantam::frontend
