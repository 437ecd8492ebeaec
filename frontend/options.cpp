#include "frontend/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "frontend/tcp_listener.h"
#include "frontend/values.h"

namespace bantam::frontend {
namespace {

using Texts = std::vector<std::string>;

Error usage(std::string message) { return {ExitStatus::usage, std::move(message)}; }

// --- parsers and printers of one kind of value

Result<void> set_flag(bool& flag, std::string_view text) {
    if (text != "true" && text != "false") return usage(fmt::format("'{}' is neither true nor false", text));
    flag = text == "true";
    return {};
}
Texts get_flag(bool flag) { return flag ? Texts{"true"} : Texts{}; }

Result<void> set_path(std::string& path, std::string_view text) {
    if (text.empty()) return usage("the file name is empty");
    path = text;
    return {};
}
/// The screen's picture: checked before the run, which would be lost otherwise.
Result<void> set_picture(std::string& path, std::string_view text) {
    if (!text.ends_with(".png") && !text.ends_with(".ppm"))
        return usage(fmt::format("'{}' must end in .png or .ppm, which chooses the format", text));
    return set_path(path, text);
}
Result<void> add_path(Texts& paths, std::string_view text) {
    std::string path;
    if (const Result<void> set = set_path(path, text); !set) return set;
    paths.push_back(std::move(path));
    return {};
}
Texts get_text(const std::string& text) { return text.empty() ? Texts{} : Texts{text}; }

Result<void> set_duration(std::optional<u64>& duration, std::string_view text) {
    duration = parse_duration(text);
    if (!duration || *duration == 0)
        return usage(fmt::format("'{}' is no length of time: write 500ms, 30s, 2m or 1h", text));
    return {};
}
Texts get_duration(const std::optional<u64>& duration) {
    return duration ? Texts{format_duration(*duration)} : Texts{};
}

Result<void> set_number(u64& number, std::string_view text) {
    const auto parsed = parse_number(text);
    if (!parsed) return usage(fmt::format("'{}' is no number: write it decimal, or hexadecimal after 0x", text));
    number = *parsed;
    return {};
}

Result<void> set_jobs(u64& jobs, std::string_view text) {
    const auto parsed = parse_number(text);
    if (!parsed || *parsed == 0 || *parsed > 256) return usage(fmt::format("'{}' is no number from 1 to 256", text));
    jobs = *parsed;
    return {};
}

Result<void> set_threshold(std::optional<u32>& threshold, std::string_view text) {
    const auto parsed = parse_number(text);
    constexpr u64 kMost = 1'000'000'000;
    if (!parsed || *parsed > kMost) {
        return usage(fmt::format("'{}' is no number of runs: write 0 to {}", text, kMost));
    }
    threshold = static_cast<u32>(*parsed);
    return {};
}

}  // namespace

Result<ImageConfig> parse_image(std::string_view text) {
    const Texts fields = split_commas(text);
    ImageConfig image{.path = fields.front()};
    if (image.path.empty()) return usage("the image's file name is empty");
    for (const std::string& field : std::span(fields).subspan(1)) {
        if (field == "readonly") {
            image.readonly = true;
        } else if (field == "overlay=temp") {
            image.temporary_overlay = true;
        } else {
            return usage(
                fmt::format("unknown image option '{}': use readonly or overlay=temp (a comma in a file name is "
                            "written twice)",
                            field));
        }
    }
    return image;
}

namespace {

Result<void> add_image(std::vector<ImageConfig>& images, std::string_view text) {
    Result<ImageConfig> image = parse_image(text);
    if (!image) return image.error();
    images.push_back(std::move(image.value()));
    return {};
}
Texts get_images(const std::vector<ImageConfig>& images) {
    Texts texts;
    for (const ImageConfig& image : images) {
        texts.push_back(escape_commas(image.path) + (image.readonly ? ",readonly" : "") +
                        (image.temporary_overlay ? ",overlay=temp" : ""));
    }
    return texts;
}

Result<void> add_serial(std::vector<SerialConfig>& serials, std::string_view text) {
    using Kind = SerialConfig::Kind;
    const Texts fields = split_commas(text);
    const std::string& where = fields.front();
    SerialConfig serial;
    if (where == "stdio") {
        serial.kind = Kind::stdio;
    } else if (where == "pty") {
        serial.kind = Kind::pty;
    } else if (where.starts_with("file:") && where.size() > 5) {
        serial = {.kind = Kind::file, .path = where.substr(5), .log = {}};
    } else if (where.starts_with("unix:") && where.size() > 5) {
        serial = {.kind = Kind::unix_socket, .path = where.substr(5), .log = {}};
    } else if (where != "none") {
        return usage(fmt::format("'{}' is no serial port: use stdio, file:PATH, unix:PATH, pty or none", where));
    }
    for (const std::string& field : std::span(fields).subspan(1)) {
        if (!field.starts_with("log=") || field.size() == 4) {
            return usage(fmt::format("unknown serial option '{}': use log=FILE", field));
        }
        serial.log = field.substr(4);
    }
    if (serials.size() == 4) return usage("a machine has four serial ports at most");
    serials.push_back(std::move(serial));
    return {};
}
Texts get_serials(const std::vector<SerialConfig>& serials) {
    Texts texts;
    for (const SerialConfig& serial : serials) {
        std::string text;
        switch (serial.kind) {
            case SerialConfig::Kind::none:
                text = "none";
                break;
            case SerialConfig::Kind::stdio:
                text = "stdio";
                break;
            case SerialConfig::Kind::pty:
                text = "pty";
                break;
            case SerialConfig::Kind::file:
                text = "file:" + escape_commas(serial.path);
                break;
            case SerialConfig::Kind::unix_socket:
                text = "unix:" + escape_commas(serial.path);
                break;
        }
        if (!serial.log.empty()) text += ",log=" + escape_commas(serial.log);
        texts.push_back(std::move(text));
    }
    return texts;
}

Result<void> add_module(std::vector<ModuleConfig>& modules, std::string_view text) {
    const std::size_t space = text.find(' ');
    ModuleConfig module{.path = std::string(text.substr(0, space)),
                        .arguments = space == text.npos ? std::string{} : std::string(text.substr(space + 1))};
    if (module.path.empty()) return usage("the module's file name is empty");
    modules.push_back(std::move(module));
    return {};
}
Texts get_modules(const std::vector<ModuleConfig>& modules) {
    Texts texts;
    for (const ModuleConfig& module : modules) {
        texts.push_back(module.arguments.empty() ? module.path : module.path + " " + module.arguments);
    }
    return texts;
}

/// Only the first single comma means something: arguments are the plugin's own affair.
Result<void> add_plugin(std::vector<PluginConfig>& plugins, std::string_view text) {
    PluginConfig plugin;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        if (text[at] == ',' && !text.substr(at).starts_with(",,")) break;
        if (text[at] == ',') ++at;
        plugin.path += text[at];
    }
    if (plugin.path.empty()) return usage("the plugin's file name is empty");
    if (at < text.size()) plugin.arguments = text.substr(at + 1);
    plugins.push_back(std::move(plugin));
    return {};
}
Texts get_plugins(const std::vector<PluginConfig>& plugins) {
    Texts texts;
    for (const PluginConfig& plugin : plugins) {
        const std::string& arguments = plugin.arguments;
        texts.push_back(escape_commas(plugin.path) + (arguments.empty() ? "" : "," + arguments));
    }
    return texts;
}

Result<void> set_memory(u64& bytes, std::string_view text) {
    constexpr u64 kLeast = u64{1} << 20;
    constexpr u64 kMost = u64{1} << 40;
    const auto parsed = parse_size(text);
    if (!parsed) return usage(fmt::format("'{}' is no size: write 256M or 4G", text));
    if (*parsed < kLeast)
        return usage(fmt::format("'{}' is less than 1M: a number alone counts bytes, write 256M", text));
    if (*parsed > kMost) return usage(fmt::format("'{}' is more than 1024G, the most a machine can have", text));
    if (*parsed % kPageSize != 0) return usage(fmt::format("'{}' is not a multiple of 4K", text));
    bytes = *parsed;
    return {};
}

Result<void> set_boot(std::string& order, std::string_view text) {
    const bool letters = !text.empty() && text.find_first_not_of("acdn") == text.npos;
    if (!letters) {
        return usage(
            fmt::format("'{}' is no boot order: use the letters a (floppy), c (disk), d (CD-ROM), n (network)", text));
    }
    order = text;
    return {};
}

template <class Enum>
struct Word {
    std::string_view text;
    Enum value;
};
constexpr std::array kEngines{Word<EngineKind>{"auto", EngineKind::automatic},
                              Word<EngineKind>{"interpreter", EngineKind::interpreter},
                              Word<EngineKind>{"jit", EngineKind::jit}};
constexpr std::array kClocks{Word<ClockKind>{"auto", ClockKind::automatic},
                             Word<ClockKind>{"virtual", ClockKind::virtual_time},
                             Word<ClockKind>{"real", ClockKind::real_time}};
constexpr std::array kPanicActions{Word<PanicAction>{"shutdown", PanicAction::shut_down},
                                   Word<PanicAction>{"pause", PanicAction::pause},
                                   Word<PanicAction>{"none", PanicAction::no_device}};
constexpr std::array kDisplays{Word<DisplayKind>{"auto", DisplayKind::automatic},
                               Word<DisplayKind>{"none", DisplayKind::none}, Word<DisplayKind>{"sdl", DisplayKind::sdl},
                               Word<DisplayKind>{"vnc", DisplayKind::vnc}, Word<DisplayKind>{"web", DisplayKind::web}};
constexpr std::array kLevels{
    Word<log::Level>{"trace", log::Level::trace}, Word<log::Level>{"debug", log::Level::debug},
    Word<log::Level>{"info", log::Level::info},   Word<log::Level>{"warning", log::Level::warning},
    Word<log::Level>{"error", log::Level::error}, Word<log::Level>{"off", log::Level::off}};

template <class Enum, std::size_t N>
Result<void> set_word(Enum& value, std::string_view text, const std::array<Word<Enum>, N>& words) {
    std::string known;
    for (const Word<Enum>& word : words) {
        if (word.text == text) {
            value = word.value;
            return {};
        }
        known += (known.empty() ? "" : ", ") + std::string(word.text);
    }
    return usage(fmt::format("'{}' is none of {}", text, known));
}
template <class Enum, std::size_t N>
Texts get_word(Enum value, const std::array<Word<Enum>, N>& words, Enum usual) {
    if (value == usual) return {};
    const auto found =
        std::find_if(words.begin(), words.end(), [&](const Word<Enum>& word) { return word.value == value; });
    return {std::string(found->text)};
}

Result<void> set_control(ControlConfig& control, std::string_view text, bool tcp) {
    using Kind = ControlConfig::Kind;
    if (text == "none") {
        control = {};
        return {};
    }
    if (text == "stdio") {
        control = {.kind = Kind::stdio, .path = {}};
        return {};
    }
    if (text.starts_with("unix:") && text.size() > 5) {
        control = {.kind = Kind::unix_socket, .path = std::string(text.substr(5))};
        return {};
    }
    if (tcp && text.starts_with("tcp:")) {
        const std::size_t colon = text.rfind(':');
        const auto port = parse_number(text.substr(colon + 1));
        if (port && *port <= 0xFFFF) {
            const std::string host = colon == 3 ? "127.0.0.1" : std::string(text.substr(4, colon - 4));
            control = {.kind = Kind::tcp, .path = host, .port = static_cast<u16>(*port)};
            return {};
        }
    }
    return usage(fmt::format("'{}' is no place to listen: use stdio, unix:PATH{} or none", text,
                             tcp ? ", tcp:127.0.0.1:PORT" : ""));
}
Texts get_control(const ControlConfig& control) {
    switch (control.kind) {
        case ControlConfig::Kind::none:
            break;
        case ControlConfig::Kind::stdio:
            return {"stdio"};
        case ControlConfig::Kind::unix_socket:
            return {"unix:" + control.path};
        case ControlConfig::Kind::tcp:
            return {fmt::format("tcp:{}:{}", control.path, control.port)};
    }
    return {};
}

}  // namespace

std::string control_text(const ControlConfig& control) {
    const Texts texts = get_control(control);
    return texts.empty() ? "none" : texts.front();
}

namespace {

bool is_remote(DisplayKind kind) { return kind == DisplayKind::vnc || kind == DisplayKind::web; }

/// KIND, or for those that listen KIND[:[ADDRESS:]PORT]; an IPv6 address in brackets.
Result<void> set_display(DisplayConfig& display, std::string_view text) {
    const std::size_t colon = text.find(':');
    DisplayConfig next = display;
    const Result<void> known = set_word(next.kind, text.substr(0, colon), kDisplays);
    if (!known) return known;
    next.host = "127.0.0.1";
    next.port = next.kind == DisplayKind::web ? 6080 : 5900;  // what noVNC and VNC have by custom
    if (!is_remote(next.kind)) {
        if (colon != text.npos) return usage(fmt::format("'{}': only vnc and web listen at an address", text));
        next.host.clear();
        next.port = 0;
    } else if (colon != text.npos) {
        std::string_view place = text.substr(colon + 1);
        if (const std::size_t last = place.rfind(':'); last != place.npos) {
            std::string_view host = place.substr(0, last);
            if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
            next.host = host;
            place.remove_prefix(last + 1);
        }
        const auto port = parse_number(place);
        if (!port || *port > 0xFFFF || next.host.empty()) {
            return usage(fmt::format("'{}' is no place to listen: write {}:PORT or {}:ADDRESS:PORT", text,
                                     text.substr(0, colon), text.substr(0, colon)));
        }
        next.port = static_cast<u16>(*port);
    }
    display = std::move(next);
    return {};
}
Texts get_display(const DisplayConfig& display) {
    Texts texts = get_word(display.kind, kDisplays, DisplayKind::automatic);
    if (is_remote(display.kind)) texts.front() += ":" + address_text(display.host, display.port);
    return texts;
}

constexpr std::string_view kBits = ",bits=";
Result<void> set_gdb(GdbConfig& gdb, std::string_view text) {
    GdbConfig next;
    if (const std::size_t comma = text.rfind(kBits); comma != text.npos) {
        const u64 bits = parse_number(text.substr(comma + kBits.size())).value_or(0);
        if (bits != 16 && bits != 32 && bits != 64)
            return usage(fmt::format("'{}': bits is 16, 32 or 64", text.substr(comma + 1)));
        next.bits = static_cast<unsigned>(bits);
        text = text.substr(0, comma);
    }
    if (const Result<void> set = set_control(next.line, text, true); !set) return set.error();
    if (next.line.kind == ControlConfig::Kind::none && next.bits != 0) return usage("'none' has no bits");
    gdb = std::move(next);
    return {};
}
Texts get_gdb(const GdbConfig& gdb) {
    Texts texts = get_control(gdb.line);
    if (gdb.bits != 0) texts.front() += fmt::format("{}{}", kBits, gdb.bits);
    return texts;
}

Result<void> set_debugcon(DebugconConfig& debugcon, std::string_view text) {
    if (text == "none") {
        debugcon = {};
    } else if (text == "stdio") {
        debugcon = {.kind = DebugconConfig::Kind::stdio, .path = {}};
    } else if (text.starts_with("file:") && text.size() > 5) {
        debugcon = {.kind = DebugconConfig::Kind::file, .path = std::string(text.substr(5))};
    } else {
        return usage(fmt::format("'{}' is no place for the debug console: use stdio, file:PATH or none", text));
    }
    return {};
}
Texts get_debugcon(const DebugconConfig& debugcon) {
    if (debugcon.kind == DebugconConfig::Kind::none) return {};
    return {debugcon.kind == DebugconConfig::Kind::stdio ? "stdio" : "file:" + debugcon.path};
}

Result<void> add_sound(SoundConfig& sound, std::string_view text) {
    for (const std::string& word : split_commas(text)) {
        if (word == "none") {
            sound = {};
        } else if (word == "sb16") {
            sound.sb16 = true;
        } else if (word == "ac97") {
            sound.ac97 = true;
        } else {
            return usage(fmt::format("'{}' is no sound card: use sb16, ac97 or none", word));
        }
    }
    return {};
}
Texts get_sound(const SoundConfig& sound) {
    Texts texts;
    if (sound.sb16) texts.emplace_back("sb16");
    if (sound.ac97) texts.emplace_back("ac97");
    return texts;
}

Result<void> set_audio(AudioConfig& audio, std::string_view text) {
    using Kind = AudioConfig::Kind;
    if (text == "auto" || text == "none" || text == "sdl") {
        audio = {.kind = text == "auto" ? Kind::automatic : text == "none" ? Kind::none : Kind::sdl, .path = {}};
    } else if (text.starts_with("wav:") && text.size() > 4) {
        audio = {.kind = Kind::wav, .path = std::string(text.substr(4))};
    } else {
        return usage(fmt::format("'{}' is no place for sound: use auto, sdl, wav:FILE or none", text));
    }
    return {};
}
Texts get_audio(const AudioConfig& audio) {
    switch (audio.kind) {
        case AudioConfig::Kind::automatic:
            break;
        case AudioConfig::Kind::none:
            return {"none"};
        case AudioConfig::Kind::sdl:
            return {"sdl"};
        case AudioConfig::Kind::wav:
            return {"wav:" + audio.path};
    }
    return {};
}

/// Words as an option that splits at commas takes them.
Texts escaped(const Texts& words) {
    Texts texts;
    for (const std::string& word : words) texts.push_back(escape_commas(word));
    return texts;
}

Result<void> add_trace(TraceConfig& trace, std::string_view text) {
    for (std::string& word : split_commas(text)) {
        if (word.empty()) return usage("empty word: write --trace WORD[,WORD]...");
        const std::size_t equals = word.find('=');
        if (equals == word.npos) {
            trace.kinds.push_back(std::move(word));
            continue;
        }
        const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
        const auto number = parse_number(value);
        if (name == "from") {
            std::optional<u64> from;
            if (const Result<void> set = set_duration(from, value); !set) return set;
            trace.from_ns = *from;
        } else if (name == "count") {
            if (!number || *number == 0) return usage(fmt::format("'{}' is no number of events", value));
            trace.count = *number;
        } else if (name == "file") {
            if (const Result<void> set = set_path(trace.file, value); !set) return set;
        } else {
            return usage(fmt::format("unknown trace option '{}': use from=TIME, count=N and file=FILE", name));
        }
    }
    return {};
}
Texts get_trace(const TraceConfig& trace) {
    Texts texts;
    for (const std::string& word : trace.kinds) texts.push_back(escape_commas(word));
    if (trace.from_ns != 0) texts.push_back("from=" + format_duration(trace.from_ns));
    if (trace.count) texts.push_back(fmt::format("count={}", *trace.count));
    if (!trace.file.empty()) texts.push_back("file=" + escape_commas(trace.file));
    return texts;
}

Result<void> add_optimisations(Texts& names, std::string_view text) {
    for (std::string& name : split_commas(text)) {
        if (name.empty()) return usage("empty name: write --jit-disable NAME[,NAME]...");
        names.push_back(std::move(name));
    }
    return {};
}

Result<void> set_bits(unsigned& bits, std::string_view text) {
    const auto parsed = parse_number(text);
    if (!parsed || (*parsed != 16 && *parsed != 32 && *parsed != 64)) {
        return usage(fmt::format("'{}' is no code size: use 16, 32 or 64", text));
    }
    bits = static_cast<unsigned>(*parsed);
    return {};
}

void nothing(Settings&) {}

using S = Settings&;
using C = const Settings&;
using V = std::string_view;
constexpr Command kRun = Command::run;
constexpr Command kTest = Command::test;
constexpr Command kDis = Command::disassemble;

// clang-format off
// command, name, value, help, words, repeatable, in_file, takes_file, set, get, clear
const std::array kOptions{
    Option{kRun, "memory", "SIZE", "RAM, with K, M or G (default 256M)", "64M 256M 1G 4G", false, true, false,
        [](S s, V t) { return set_memory(s.machine.memory_bytes, t); },
        [](C s) { return Texts{format_size(s.machine.memory_bytes)}; }, nothing},
    Option{kRun, "cpu", "NAME", "CPU model; 'bantam doctor' says which this host can run (default: default)",
        "default host 486 pentium pentium-mmx p2 p3 core2 x86-64-v2 x86-64-v3", false, true, false,
        [](S s, V t) { s.machine.cpu = t; return Result<void>{}; },
        [](C s) { return Texts{s.machine.cpu}; }, nothing},
    Option{kRun, "disk", "FILE[,readonly][,overlay=temp]", "hard disk image; overlay=temp forgets what is written", "", true, true, true,
        [](S s, V t) { return add_image(s.machine.disks, t); },
        [](C s) { return get_images(s.machine.disks); }, [](S s) { s.machine.disks.clear(); }},
    Option{kRun, "cdrom", "FILE|none", "CD-ROM image; none is a drive without a disc", "", true, true, true,
        [](S s, V t) { return add_image(s.machine.cdroms, t); },
        [](C s) { return get_images(s.machine.cdroms); }, [](S s) { s.machine.cdroms.clear(); }},
    Option{kRun, "floppy", "FILE[,readonly][,overlay=temp]|none", "floppy image; none is a drive without a disk", "", true, true, true,
        [](S s, V t) { return add_image(s.machine.floppies, t); },
        [](C s) { return get_images(s.machine.floppies); }, [](S s) { s.machine.floppies.clear(); }},
    Option{kRun, "boot", "ORDER", "boot order in letters: a floppy, c disk, d CD-ROM, n network", "a c d n", false, true, false,
        [](S s, V t) { return set_boot(s.machine.boot_order, t); },
        [](C s) { return get_text(s.machine.boot_order); }, nothing},
    Option{kRun, "kernel", "FILE", "Linux bzImage or multiboot kernel, started without firmware", "", false, true, true,
        [](S s, V t) { return set_path(s.machine.kernel, t); },
        [](C s) { return get_text(s.machine.kernel); }, nothing},
    Option{kRun, "initrd", "FILE", "initial RAM disk for --kernel", "", false, true, true,
        [](S s, V t) { return set_path(s.machine.initrd, t); },
        [](C s) { return get_text(s.machine.initrd); }, nothing},
    Option{kRun, "append", "STRING", "command line for --kernel", "", false, true, false,
        [](S s, V t) { s.machine.append = t; return Result<void>{}; },
        [](C s) { return get_text(s.machine.append); }, nothing},
    Option{kRun, "module", "'FILE ARGS'", "multiboot module with its arguments", "", true, true, true,
        [](S s, V t) { return add_module(s.machine.modules, t); },
        [](C s) { return get_modules(s.machine.modules); }, [](S s) { s.machine.modules.clear(); }},
    Option{kRun, "firmware", "seabios|FILE", "firmware in ROM when there is no --kernel and no --flash (default seabios)", "seabios", false, true, true,
        [](S s, V t) { return set_path(s.machine.firmware, t); },
        [](C s) { return get_text(s.machine.firmware); }, nothing},
    Option{kRun, "flash", "FILE[,readonly][,overlay=temp]", "flash memory that ends at 4 GiB, with the firmware; a second one lies below it, for variables", "", true, true, true,
        [](S s, V t) { return add_image(s.machine.flashes, t); },
        [](C s) { return get_images(s.machine.flashes); }, [](S s) { s.machine.flashes.clear(); }},
    Option{kRun, "option-rom", "FILE", "option ROM that the firmware runs", "", true, true, true,
        [](S s, V t) { return add_path(s.machine.option_roms, t); },
        [](C s) { return s.machine.option_roms; }, [](S s) { s.machine.option_roms.clear(); }},
    Option{kRun, "vga-bios", "FILE", "video BIOS (default: the firmware's own)", "", false, true, true,
        [](S s, V t) { return set_path(s.machine.vga_bios, t); },
        [](C s) { return get_text(s.machine.vga_bios); }, nothing},
    Option{kRun, "engine", "auto|interpreter|jit", "what executes guest code (default auto)", "auto interpreter jit", false, true, false,
        [](S s, V t) { return set_word(s.machine.engine, t, kEngines); },
        [](C s) { return get_word(s.machine.engine, kEngines, EngineKind::automatic); }, nothing},
    Option{kRun, "jit-threshold", "N", "translate a block when it has run N times (default 16; 0: at once)", "", false, true, false,
        [](S s, V t) { return set_threshold(s.machine.jit_threshold, t); },
        [](C s) { return s.machine.jit_threshold ? Texts{fmt::format("{}", *s.machine.jit_threshold)} : Texts{}; }, nothing},
    Option{kRun, "jit-disable", "NAME[,NAME]", "switch optimisations of the translator off: links, indirect-table, native-integer, native-stack, native-branches, vector, x87, windows, going-on, beside-code",
        "links indirect-table native-integer native-stack native-branches vector x87 windows", true, true, false,
        [](S s, V t) { return add_optimisations(s.machine.jit_disable, t); },
        [](C s) { return escaped(s.machine.jit_disable); }, [](S s) { s.machine.jit_disable.clear(); }},
    Option{kRun, "perf-map", "", "name translated code for 'perf report' in /tmp/perf-PID.map", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.perf_map, t); },
        [](C s) { return get_flag(s.machine.perf_map); }, nothing},
    Option{kRun, "stats", "", "print at the end what the engines counted and where the time went", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.stats, t); },
        [](C s) { return get_flag(s.machine.stats); }, nothing},
    Option{kRun, "lockstep", "", "run interpreter and translator side by side and compare them; status 70 and a report when they differ", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.lockstep, t); },
        [](C s) { return get_flag(s.machine.lockstep); }, nothing},
    Option{kRun, "display", "auto|sdl|vnc[:[ADDRESS:]PORT]|web[:[ADDRESS:]PORT]|none",
        "where the screen is shown: in a window, to VNC viewers (default 127.0.0.1:5900), in browsers (default 127.0.0.1:6080), or nowhere (default auto: a window where there is a display)",
        "auto sdl vnc vnc: web web: none", false, true, false,
        [](S s, V t) { return set_display(s.display, t); },
        [](C s) { return get_display(s.display); }, nothing},
    Option{kRun, "vnc-password", "FILE", "viewers of --display vnc and web are asked for the password in the file's first line (at most 8 bytes; readable by its owner alone)", "", false, true, true,
        [](S s, V t) { return set_path(s.display.password_file, t); },
        [](C s) { return get_text(s.display.password_file); }, nothing},
    Option{kRun, "novnc", "DIR", "folder of noVNC, which --display web serves (default /usr/share/novnc, from the package novnc)", "", false, true, true,
        [](S s, V t) { return set_path(s.display.novnc, t); },
        [](C s) { return get_text(s.display.novnc); }, nothing},
    Option{kRun, "sound", "sb16|ac97|none", "sound card: a Sound Blaster 16 with OPL3 (A220 I5 D1 H5) or AC'97 audio on PCI; the PC speaker is always there (default none)", "sb16 ac97 none", true, true, false,
        [](S s, V t) { return add_sound(s.machine.sound, t); },
        [](C s) { return get_sound(s.machine.sound); }, [](S s) { s.machine.sound = {}; }},
    Option{kRun, "audio", "auto|sdl|wav:FILE|none", "where sound is heard: by the host's sound device, in a file, or nowhere (default auto: by the device where there is a window)", "auto sdl wav: none", false, true, false,
        [](S s, V t) { return set_audio(s.audio, t); },
        [](C s) { return get_audio(s.audio); }, nothing},
    Option{kRun, "headless", "", "no window, virtual time unless --clock says otherwise", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.headless, t); },
        [](C s) { return get_flag(s.machine.headless); }, nothing},
    Option{kRun, "serial", "stdio|file:PATH|unix:PATH|pty|none[,log=FILE]",
        "where COM1 (then COM2, ...) leads; unix: listens; log= keeps a copy (default with --kernel: stdio)",
        "stdio file: unix: pty none", true, true, false,
        [](S s, V t) { return add_serial(s.machine.serials, t); },
        [](C s) { return get_serials(s.machine.serials); }, [](S s) { s.machine.serials.clear(); }},
    Option{kRun, "debugcon", "stdio|file:PATH", "where bytes written to ports E9h and 402h go", "stdio file:", false, true, false,
        [](S s, V t) { return set_debugcon(s.machine.debugcon, t); },
        [](C s) { return get_debugcon(s.machine.debugcon); }, nothing},
    Option{kRun, "debug-exit", "", "port F4h ends the process with status 2*value+1", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.debug_exit, t); },
        [](C s) { return get_flag(s.machine.debug_exit); }, nothing},
    Option{kRun, "no-reboot", "", "a guest reset or triple fault ends the process", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.no_reboot, t); },
        [](C s) { return get_flag(s.machine.no_reboot); }, nothing},
    Option{kRun, "clock", "auto|virtual|real", "guest time follows executed instructions, or the host's clock", "auto virtual real", false, true, false,
        [](S s, V t) { return set_word(s.machine.clock, t, kClocks); },
        [](C s) { return get_word(s.machine.clock, kClocks, ClockKind::automatic); }, nothing},
    Option{kRun, "rtc-epoch", "SECONDS", "date at power-on in seconds since 1970 (UTC)", "", false, true, false,
        [](S s, V t) { u64 n = 0; Result<void> r = set_number(n, t); if (r) s.machine.rtc_epoch_seconds = n; return r; },
        [](C s) { return s.machine.rtc_epoch_seconds ? Texts{fmt::format("{}", *s.machine.rtc_epoch_seconds)} : Texts{}; }, nothing},
    Option{kRun, "time-limit", "TIME", "end after this much guest time, such as 30s", "", false, true, false,
        [](S s, V t) { return set_duration(s.machine.time_limit_ns, t); },
        [](C s) { return get_duration(s.machine.time_limit_ns); }, nothing},
    Option{kRun, "wall-limit", "TIME", "end after this much of the host's time, such as 60s", "", false, true, false,
        [](S s, V t) { return set_duration(s.machine.wall_limit_ns, t); },
        [](C s) { return get_duration(s.machine.wall_limit_ns); }, nothing},
    Option{kRun, "screen-text", "FILE", "write the final text screen there ('-': standard output)", "", false, true, true,
        [](S s, V t) { return set_path(s.machine.screen_text, t); },
        [](C s) { return get_text(s.machine.screen_text); }, nothing},
    Option{kRun, "screenshot", "FILE.png", "write the final screen there", "", false, true, true,
        [](S s, V t) { return set_picture(s.machine.screenshot, t); },
        [](C s) { return get_text(s.machine.screenshot); }, nothing},
    Option{kRun, "monitor", "stdio|unix:PATH", "line console that inspects and controls the machine; unix: listens", "stdio unix:", false, true, false,
        [](S s, V t) { return set_control(s.machine.monitor, t, false); },
        [](C s) { return get_control(s.machine.monitor); }, nothing},
    Option{kRun, "qmp", "stdio|unix:PATH|tcp:[HOST:]PORT", "QEMU Machine Protocol, for programs that control the machine; tcp: on this host only", "stdio unix: tcp:127.0.0.1:", false, true, false,
        [](S s, V t) { return set_control(s.machine.qmp, t, true); },
        [](C s) { return get_control(s.machine.qmp); }, nothing},
    Option{kRun, "gdb", "tcp:[HOST:]PORT|unix:PATH|stdio[,bits=16|32|64]", "listens for gdb ('target remote :PORT'; tcp: on this host only); bits: of the processor it is told of, else as its mode is then", "tcp: unix: stdio", false, true, false,
        [](S s, V t) { return set_gdb(s.machine.gdb, t); },
        [](C s) { return get_gdb(s.machine.gdb); }, nothing},
    Option{kRun, "record", "FILE.toml", "write a scenario there of what is done in the window, by viewers, by the monitor and by QMP, for 'bantam test'", "", false, true, true,
        [](S s, V t) { return set_path(s.record, t); },
        [](C s) { return get_text(s.record); }, nothing},
    Option{kRun, "paused", "", "do not start the guest until --gdb, --qmp, --monitor or the window says so", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.paused, t); },
        [](C s) { return get_flag(s.machine.paused); }, nothing},
    Option{kRun, "pvpanic", "shutdown|pause|none", "gives the guest the port to say that it has panicked, and what becomes of it then (default none: no such port)", "shutdown pause none", false, true, false,
        [](S s, V t) { return set_word(s.machine.panic, t, kPanicActions); },
        [](C s) { return get_word(s.machine.panic, kPanicActions, PanicAction::no_device); }, nothing},
    Option{kRun, "trace", "WHAT[,WHAT][,from=TIME][,count=N][,file=FILE]", "write what happens inside to standard error or the file (.json: for chrome://tracing): insn, block, int, bios, irq, io, mmio, pci, disk; from: guest time", "insn block int bios irq io mmio pci disk", true, true, false,
        [](S s, V t) { return add_trace(s.machine.trace, t); },
        [](C s) { return get_trace(s.machine.trace); }, [](S s) { s.machine.trace = {}; }},
    Option{kRun, "plugin", "FILE.so[,ARGUMENTS]", "load a plugin, which watches the guest run and may change what it does (bantam/plugin.h)", "", true, true, true,
        [](S s, V t) { return add_plugin(s.machine.plugins, t); },
        [](C s) { return get_plugins(s.machine.plugins); }, [](S s) { s.machine.plugins.clear(); }},
    Option{kRun, "log", "LEVEL", "least level of message written to standard error (default warning)", "trace debug info warning error off", false, true, false,
        [](S s, V t) { return set_word(s.log_level, t, kLevels); },
        [](C s) { return get_word(s.log_level, kLevels, log::Level::warning); }, nothing},
    Option{kRun, "print-hash", "", "print a hash of the machine's final state", "", false, true, false,
        [](S s, V t) { return set_flag(s.machine.print_hash, t); },
        [](C s) { return get_flag(s.machine.print_hash); }, nothing},
    Option{kRun, "hash-every", "TIME", "print a hash of the machine's state after each TIME of the guest, with --print-hash", "1s", false, true, false,
        [](S s, V t) { return set_duration(s.machine.hash_every_ns, t); },
        [](C s) { return get_duration(s.machine.hash_every_ns); }, nothing},
    Option{kRun, "print-config", "", "print the configuration as MACHINE.toml and end", "", false, false, false,
        [](S s, V t) { return set_flag(s.print_config, t); },
        [](C s) { return get_flag(s.print_config); }, nothing},
    Option{kTest, "jobs", "N", "run N machines at a time (default 1); -j N is the same", "", false, false, false,
        [](S s, V t) { return set_jobs(s.test.jobs, t); },
        [](C s) { return Texts{fmt::format("{}", s.test.jobs)}; }, nothing},
    Option{kTest, "junit", "FILE", "write the results there as JUnit XML", "", false, false, true,
        [](S s, V t) { return set_path(s.test.junit, t); },
        [](C s) { return get_text(s.test.junit); }, nothing},
    Option{kTest, "artifacts", "DIR", "write trace, screen, serial logs and MACHINE.toml of each scenario into a folder there", "", false, false, true,
        [](S s, V t) { return set_path(s.test.artifacts, t); },
        [](C s) { return get_text(s.test.artifacts); }, nothing},
    Option{kTest, "engine", "auto|interpreter|jit", "what executes guest code, whatever the scenario says", "auto interpreter jit", false, false, false,
        [](S s, V t) { EngineKind e{}; Result<void> r = set_word(e, t, kEngines); if (r) s.test.engine = e; return r; },
        [](C s) { return s.test.engine ? Texts{*s.test.engine == EngineKind::automatic ? "auto" : get_word(*s.test.engine, kEngines, EngineKind::automatic).front()} : Texts{}; }, nothing},
    Option{kTest, "record", "FILE.toml", "write a scenario instead, of what is done to a machine by hand: with this, [MACHINE.toml] and OPTIONS are those of 'bantam run'", "", false, false, true,
        [](S s, V t) { return set_path(s.record, t); },
        [](C s) { return get_text(s.record); }, nothing},
    Option{kTest, "film", "", "write film.png, an animated picture of the run, among the artefacts", "", false, false, false,
        [](S s, V t) { return set_flag(s.test.film, t); },
        [](C s) { return get_flag(s.test.film); }, nothing},
    Option{kTest, "stop-at-failure", "", "leave the machine as it is when the scenario fails, for --gdb; one scenario", "", false, false, false,
        [](S s, V t) { return set_flag(s.test.stop_at_failure, t); },
        [](C s) { return get_flag(s.test.stop_at_failure); }, nothing},
    Option{kTest, "gdb", "tcp:[HOST:]PORT|unix:PATH[,bits=16|32|64]", "where --stop-at-failure listens for gdb, from the failure on", "tcp: unix:", false, false, false,
        [](S s, V t) { return set_gdb(s.test.gdb, t); },
        [](C s) { return get_gdb(s.test.gdb); }, nothing},
    Option{kDis, "offset", "NUMBER", "skip so many bytes of the file", "", false, false, false,
        [](S s, V t) { return set_number(s.disassemble.offset, t); },
        [](C s) { return Texts{fmt::format("{}", s.disassemble.offset)}; }, nothing},
    Option{kDis, "length", "NUMBER", "show so many bytes (default: to the end)", "", false, false, false,
        [](S s, V t) { u64 n = 0; Result<void> r = set_number(n, t); if (r) s.disassemble.length = n; return r; },
        [](C s) { return s.disassemble.length ? Texts{fmt::format("{}", *s.disassemble.length)} : Texts{}; }, nothing},
    Option{kDis, "base", "ADDRESS", "address of the first byte shown (default: the offset)", "", false, false, false,
        [](S s, V t) { u64 n = 0; Result<void> r = set_number(n, t); if (r) s.disassemble.base = n; return r; },
        [](C s) { return s.disassemble.base ? Texts{fmt::format("{}", *s.disassemble.base)} : Texts{}; }, nothing},
    Option{kDis, "bits", "16|32|64", "code size (default 64)", "16 32 64", false, false, false,
        [](S s, V t) { return set_bits(s.disassemble.bits, t); },
        [](C s) { return Texts{fmt::format("{}", s.disassemble.bits)}; }, nothing},
};
// clang-format on

constexpr std::array kCommands{
    CommandInfo{Command::run, "run", "run [MACHINE.toml] [OPTIONS]",
                "Runs a machine (MACHINE.toml of '-': standard input)."},
    CommandInfo{Command::ctl, "ctl", "ctl PATH COMMAND [ARG...]", "Controls a machine that runs with --qmp unix:PATH."},
    CommandInfo{Command::test, "test", "test SCENARIO... [OPTIONS]", "Runs scenarios: machines with steps to take."},
    CommandInfo{Command::doctor, "doctor", "doctor", "Says what this host offers and what that means."},
    CommandInfo{Command::disassemble, "disassemble", "disassemble FILE [OPTIONS]",
                "Shows the code in a file ('-': standard input) as assembly."},
    CommandInfo{Command::help, "help", "help [COMMAND]", "Explains a command."},
};

constexpr std::array kStatuses{
    ExitStatusInfo{ExitStatus::ok, "the guest powered off (or reset, with --no-reboot), or the user quit"},
    ExitStatusInfo{ExitStatus::usage, "bad command line or MACHINE.toml"},
    ExitStatusInfo{ExitStatus::bad_input, "an input file is missing, damaged or unsuitable"},
    ExitStatusInfo{ExitStatus::host_resource, "the host did not give memory, a lock, a socket or a permission"},
    ExitStatusInfo{ExitStatus::internal_error, "internal error: a bug in Bantam (also found by --lockstep)"},
    ExitStatusInfo{ExitStatus::time_limit, "--time-limit or --wall-limit reached"},
    ExitStatusInfo{ExitStatus::guest_stopped,
                   "the guest halted for good, panicked (--pvpanic), or triple fault with --no-reboot"},
};

}  // namespace

std::span<const Option> option_table() { return kOptions; }
std::span<const CommandInfo> command_table() { return kCommands; }
std::span<const ExitStatusInfo> exit_status_table() { return kStatuses; }

const Option* find_option(Command command, std::string_view name) {
    const auto found = std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& option) {
        return option.command == command && option.name == name;
    });
    return found == kOptions.end() ? nullptr : &*found;
}

std::vector<std::string_view> option_names(Command command, bool in_file) {
    std::vector<std::string_view> names;
    for (const Option& option : kOptions) {
        if (option.command == command && (option.in_file || !in_file)) names.push_back(option.name);
    }
    return names;
}

Result<void> complete_settings(Settings& settings) {
    MachineConfig& machine = settings.machine;
    if (machine.kernel.empty()) {
        const char* orphan = !machine.initrd.empty()    ? "initrd"
                             : !machine.append.empty()  ? "append"
                             : !machine.modules.empty() ? "module"
                                                        : nullptr;
        if (orphan != nullptr)
            return usage(fmt::format("--{} says nothing without --kernel: add --kernel FILE", orphan));
    } else {
        const char* unused = !machine.flashes.empty() ? "flash" : !machine.option_roms.empty() ? "option-rom" : nullptr;
        if (unused != nullptr)
            return usage(
                fmt::format("--{} is for firmware, and --kernel starts without any: give one of them", unused));
    }
    if (!machine.flashes.empty() && machine.firmware != MachineConfig{}.firmware)
        return usage("--firmware and --flash: the first --flash holds the firmware; give one of them");
    const DisplayKind display = settings.display.kind;
    if ((display == DisplayKind::sdl || is_remote(display)) && (machine.headless || machine.lockstep)) {
        return usage(fmt::format("--display {} shows the screen, and --{} shows none: give one of them",
                                 get_word(display, kDisplays, DisplayKind::automatic).front(),
                                 machine.headless ? "headless" : "lockstep"));
    }
    const bool hidden =
        display == DisplayKind::none || machine.headless;  // what a file says of viewers does not matter
    if (!settings.display.password_file.empty() && !is_remote(display) && !hidden)
        return usage("--vnc-password is for viewers: add --display vnc or --display web");
    if (!settings.display.novnc.empty() && display != DisplayKind::web && !hidden)
        return usage("--novnc is for browsers: add --display web");
    const bool audio_chosen =
        settings.audio.kind == AudioConfig::Kind::sdl || settings.audio.kind == AudioConfig::Kind::wav;
    if (audio_chosen && machine.lockstep)
        return usage("--audio and --lockstep: two machines side by side are not heard; leave out one of them");
    const ControlConfig::Kind kinds[] = {machine.monitor.kind, machine.qmp.kind, machine.gdb.line.kind};
    const bool controlled = std::any_of(std::begin(kinds), std::end(kinds),
                                        [](ControlConfig::Kind kind) { return kind != ControlConfig::Kind::none; });
    if (machine.paused && is_remote(display) && !controlled) {
        return usage("--paused: viewers could not let the guest go on; add --gdb, --qmp or --monitor");
    }
    const auto controls_on_stdio = std::count(std::begin(kinds), std::end(kinds), ControlConfig::Kind::stdio);
    if (machine.serials.empty() && !machine.kernel.empty() && controls_on_stdio == 0) {
        machine.serials.push_back({.kind = SerialConfig::Kind::stdio, .path = {}, .log = {}});
    }
    const auto on_stdio = std::count_if(machine.serials.begin(), machine.serials.end(), [](const SerialConfig& serial) {
        return serial.kind == SerialConfig::Kind::stdio;
    });
    if (on_stdio + controls_on_stdio > 1) {
        return usage(
            "only one of the serial ports, the monitor, QMP and gdb can be on stdio: put the others on unix:PATH or "
            "file:PATH");
    }
    if (!machine.plugins.empty() && machine.lockstep)
        return usage("--plugin and --lockstep: what a plugin changes makes two machines differ; give one of them");
    if (!settings.record.empty() && machine.lockstep)
        return usage("--record and --lockstep: what is done to one of two machines; give one of them");
    if (machine.hash_every_ns && !machine.print_hash)
        return usage("--hash-every says how often, and --print-hash that hashes are printed: add --print-hash");
    if (machine.hash_every_ns && machine.lockstep)
        return usage("--hash-every: --lockstep compares the states of two machines itself; give one of them");
    if (machine.engine == EngineKind::interpreter && machine.jit_threshold) {
        return usage("--jit-threshold: --engine interpreter translates nothing; use --engine jit or auto");
    }
    if (machine.engine == EngineKind::interpreter && !machine.jit_disable.empty()) {
        return usage("--jit-disable: --engine interpreter translates nothing; use --engine jit or auto");
    }
    return {};
}

}  // namespace bantam::frontend
