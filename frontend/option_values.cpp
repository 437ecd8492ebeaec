#include "frontend/option_values.h"

#include <algorithm>
#include <array>

#include "frontend/tcp_listener.h"
#include "frontend/values.h"

namespace bantam::frontend {

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

std::string control_text(const ControlConfig& control) {
    const Texts texts = get_control(control);
    return texts.empty() ? "none" : texts.front();
}

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

namespace {

/// What an option switches on by its words.
template <class Config>
struct Part {
    std::string_view word;
    bool Config::*there;
};
constexpr std::array kSoundParts{Part<SoundConfig>{"sb16", &SoundConfig::sb16},
                                 Part<SoundConfig>{"ac97", &SoundConfig::ac97}};
constexpr std::array kUsbParts{Part<UsbConfig>{"keyboard", &UsbConfig::keyboard},
                               Part<UsbConfig>{"tablet", &UsbConfig::tablet}};

template <class Config, std::size_t N>
Result<void> add_parts(Config& config, std::string_view text, const std::array<Part<Config>, N>& parts,
                       std::string_view kind) {
    for (const std::string& word : split_commas(text)) {
        const auto part = std::find_if(parts.begin(), parts.end(), [&](const auto& each) { return each.word == word; });
        if (word == "none") {
            config = {};
        } else if (part != parts.end()) {
            config.*(part->there) = true;
        } else {
            Texts words;
            for (const auto& each : parts) words.emplace_back(each.word);
            return usage(fmt::format("'{}' is no {}: use {} or none", word, kind, fmt::join(words, ", ")));
        }
    }
    return {};
}

template <class Config, std::size_t N>
Texts get_parts(const Config& config, const std::array<Part<Config>, N>& parts) {
    Texts texts;
    for (const auto& each : parts) {
        if (config.*(each.there)) texts.emplace_back(each.word);
    }
    return texts;
}

}  // namespace

Result<void> add_sound(SoundConfig& sound, std::string_view text) {
    return add_parts(sound, text, kSoundParts, "sound card");
}
Texts get_sound(const SoundConfig& sound) { return get_parts(sound, kSoundParts); }

Result<void> add_usb(UsbConfig& usb, std::string_view text) { return add_parts(usb, text, kUsbParts, "USB device"); }
Texts get_usb(const UsbConfig& usb) { return get_parts(usb, kUsbParts); }

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

}  // namespace bantam::frontend
