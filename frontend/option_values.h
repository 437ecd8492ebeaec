// Parsers and printers of the values of options (options.h): set_ and add_ take a value's text, get_ gives it back, so
// that set_ reads the same. Errors of set_ and add_: usage, without the option's name.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "frontend/options.h"

namespace bantam::frontend {

using Texts = std::vector<std::string>;

inline Error usage(std::string message) { return {ExitStatus::usage, std::move(message)}; }

template <class Enum>
struct Word {
    std::string_view text;
    Enum value;
};
inline constexpr std::array kEngines{Word<EngineKind>{"auto", EngineKind::automatic},
                                     Word<EngineKind>{"interpreter", EngineKind::interpreter},
                                     Word<EngineKind>{"jit", EngineKind::jit}};
inline constexpr std::array kClocks{Word<ClockKind>{"auto", ClockKind::automatic},
                                    Word<ClockKind>{"virtual", ClockKind::virtual_time},
                                    Word<ClockKind>{"real", ClockKind::real_time}};
inline constexpr std::array kPanicActions{Word<PanicAction>{"shutdown", PanicAction::shut_down},
                                          Word<PanicAction>{"pause", PanicAction::pause},
                                          Word<PanicAction>{"none", PanicAction::no_device}};
inline constexpr std::array kDisplays{
    Word<DisplayKind>{"auto", DisplayKind::automatic}, Word<DisplayKind>{"none", DisplayKind::none},
    Word<DisplayKind>{"sdl", DisplayKind::sdl}, Word<DisplayKind>{"vnc", DisplayKind::vnc},
    Word<DisplayKind>{"web", DisplayKind::web}};
inline constexpr std::array kLevels{
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

Result<void> set_flag(bool& flag, std::string_view text);
Texts get_flag(bool flag);
Result<void> set_path(std::string& path, std::string_view text);
Result<void> set_picture(std::string& path, std::string_view text);
Result<void> add_path(Texts& paths, std::string_view text);
Texts get_text(const std::string& text);
Result<void> set_duration(std::optional<u64>& duration, std::string_view text);
Texts get_duration(const std::optional<u64>& duration);
Result<void> set_number(u64& number, std::string_view text);
Result<void> set_jobs(u64& jobs, std::string_view text);
Result<void> set_threshold(std::optional<u32>& threshold, std::string_view text);
Result<void> add_image(std::vector<ImageConfig>& images, std::string_view text);
Texts get_images(const std::vector<ImageConfig>& images);
Result<void> add_serial(std::vector<SerialConfig>& serials, std::string_view text);
Texts get_serials(const std::vector<SerialConfig>& serials);
Result<void> add_module(std::vector<ModuleConfig>& modules, std::string_view text);
Texts get_modules(const std::vector<ModuleConfig>& modules);
Result<void> add_plugin(std::vector<PluginConfig>& plugins, std::string_view text);
Texts get_plugins(const std::vector<PluginConfig>& plugins);
Result<void> set_memory(u64& bytes, std::string_view text);
Result<void> set_boot(std::string& order, std::string_view text);
Result<void> set_control(ControlConfig& control, std::string_view text, bool tcp);
Texts get_control(const ControlConfig& control);
bool is_remote(DisplayKind kind);
Result<void> set_display(DisplayConfig& display, std::string_view text);
Texts get_display(const DisplayConfig& display);
Result<void> set_gdb(GdbConfig& gdb, std::string_view text);
Texts get_gdb(const GdbConfig& gdb);
Result<void> set_debugcon(DebugconConfig& debugcon, std::string_view text);
Texts get_debugcon(const DebugconConfig& debugcon);
Result<void> add_sound(SoundConfig& sound, std::string_view text);
Texts get_sound(const SoundConfig& sound);
Result<void> add_usb(UsbConfig& usb, std::string_view text);
Texts get_usb(const UsbConfig& usb);
Result<void> set_audio(AudioConfig& audio, std::string_view text);
Texts get_audio(const AudioConfig& audio);
Texts escaped(const Texts& words);
Result<void> add_trace(TraceConfig& trace, std::string_view text);
Texts get_trace(const TraceConfig& trace);
Result<void> add_optimisations(Texts& names, std::string_view text);
Result<void> set_bits(unsigned& bits, std::string_view text);

}  // namespace bantam::frontend
