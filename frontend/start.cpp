// `bantam` alone, on a desktop: the start screen, then the machine that was chosen in the same window.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "frontend/commands.h"
#include "frontend/recent_machines.h"
#include "frontend/signals.h"
#include "frontend/window/layout.h"
#include "frontend/window/start_screen.h"
#include "machine/firmware.h"

namespace bantam::frontend {
namespace {

constexpr int kIdle_ms = 1000;  // nothing happens unless the person does something

/// Waits for a machine to be chosen; without one the person has closed the window.
StartScreen::Answer ask(Screen& screen, StartScreen& start, const Glyphs& glyphs) {
    Placement panel;
    StartScreen::Answer answer;
    for (bool changed = true; !answer.closed && !answer.machine;) {
        if (changed) {
            int width = 0, height = 0;
            screen.size(width, height);
            panel = place_panel(ListPage::width(), start.page().height(), width, height);
            screen.upload_panel(start.page().draw(glyphs));
            screen.show({}, panel);
        }
        const auto event = screen.wait(kIdle_ms);
        changed = event.has_value();
        if (event) answer = start.handle(*event, panel);
    }
    screen.upload_panel({});
    return answer;
}

}  // namespace

Result<int> run_start_screen(Screen& screen) {
    const Result<std::vector<u8>> vga_bios = load_vga_bios({});
    const Glyphs glyphs = bios_font(vga_bios ? vga_bios.value() : std::vector<u8>{});
    const Result<std::vector<RecentMachine>> recent = read_recent_machines(recent_machines_file());
    std::error_code failed;
    StartScreen start(recent ? recent.value() : std::vector<RecentMachine>{}, std::filesystem::current_path(failed));
    if (!recent) start.say(recent.error().message);
    screen.set_title("Bantam");
    while (true) {
        SignalWatch::unblock();
        const StartScreen::Answer answer = ask(screen, start, glyphs);
        if (!answer.machine) return 0;
        if (::chdir(answer.folder.c_str()) != 0) {
            start.say(fmt::format("{}: {}", answer.folder, std::strerror(errno)));
            continue;
        }
        Result<int> ended = run_machine(*answer.machine, &screen);
        if (ended) return ended;
        start.say(ended.error().message);
        screen.set_title("Bantam");
    }
}

}  // namespace bantam::frontend
