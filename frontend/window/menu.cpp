#include "frontend/window/menu.h"

#include <fmt/format.h>

namespace bantam::frontend {
namespace {

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Menu::Menu(const std::vector<DriveState>& drives, std::string folder)
    : page_("Bantam's menu (Ctrl-Alt-M or the Menu key)",
            "Arrows and Enter or the mouse choose, Esc closes; the guest goes on"),
      folder_(std::move(folder)) {
    update(drives);
}

void Menu::update(const std::vector<DriveState>& drives) {
    std::vector<ListPage::Row> rows;
    choices_.clear();
    const auto add = [&](std::string label, std::string note, Choice choice) {
        if (label.front() >= 'a' && label.front() <= 'z') label.front() = static_cast<char>(label.front() - 'a' + 'A');
        rows.push_back({.label = std::move(label), .note = std::move(note)});
        choices_.push_back(std::move(choice));
    };
    const auto head = [&](const char* text) {
        rows.push_back({.label = text, .heading = true});
        choices_.emplace_back();
    };
    for (const Shortcut& shortcut : shortcut_table()) {
        if (shortcut.action == Action::menu) continue;
        add(std::string(shortcut.help), fmt::format("Ctrl-Alt-{}", shortcut.letter), {shortcut.action});
    }
    add("end the machine at once, whatever it is at", "", {Action::quit});
    add("press the Menu key, which opens this, in the guest", "", {Action::menu_key});
    bool any = false;
    for (const DriveState& drive : drives) {
        if (!drive.removable) continue;
        if (!any) head("Drives (an image dropped on the window goes into one, too)");
        any = true;
        add(fmt::format("put an image into {}", drive.name), drive.medium ? file_name(drive.medium->path) : "empty",
            {Action::insert, drive.name});
        if (drive.medium)
            add(fmt::format("take {} out of {}", file_name(drive.medium->path), drive.name), "",
                {Action::eject, drive.name});
    }
    page_.set_rows(std::move(rows));
}

Menu::Answer Menu::handle(const ScreenEvent& event, const Placement& place) {
    if (chooser_) {
        const FileChooser::Answer answer = chooser_->handle(event, place);
        folder_ = chooser_->folder();
        if (answer.kind == FileChooser::Answer::Kind::chosen)
            return {.closed = true, .action = Action::insert, .drive = drive_, .path = answer.path};
        if (answer.kind == FileChooser::Answer::Kind::cancelled) chooser_.reset();
        return {};
    }
    const ListPage::Answer answer = page_.handle(event, place);
    if (answer.kind == ListPage::Answer::Kind::cancelled) return {.closed = true};
    if (answer.kind != ListPage::Answer::Kind::chosen) return {};
    const Choice& choice = choices_.at(answer.row);
    if (choice.action != Action::insert) return {.closed = true, .action = choice.action, .drive = choice.drive};
    drive_ = choice.drive;
    chooser_.emplace("Put into " + drive_, folder_, FileChooser::Purpose::open);
    return {};
}

}  // namespace bantam::frontend
