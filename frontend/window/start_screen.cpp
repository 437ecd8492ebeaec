#include "frontend/window/start_screen.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "frontend/machine_file.h"
#include "frontend/values.h"
#include "machine/new_image.h"

namespace bantam::frontend {
namespace {

constexpr std::array<std::string_view, 7> kSizes{"512M", "1G", "2G", "4G", "8G", "16G", "32G"};

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Result<Settings> settings_for_image(const std::string& path) {
    Settings settings;
    MachineConfig& machine = settings.machine;
    if (path.ends_with(".toml")) {
        if (const Result<void> read = read_machine_file(path, settings); !read) return read.error();
    } else {
        const Result<ImageUse> use = guess_image_use(path);
        if (!use) return use.error();
        switch (use.value()) {
            case ImageUse::kernel:
                machine.kernel = path;
                break;
            case ImageUse::cdrom:
                machine.cdroms.push_back({.path = path});
                machine.boot_order = "d";
                break;
            case ImageUse::floppy:
                machine.floppies.push_back({.path = path});
                machine.cdroms.push_back({.path = "none"});
                machine.boot_order = "a";
                break;
            case ImageUse::disk:
                machine.disks.push_back({.path = path});
                machine.cdroms.push_back({.path = "none"});
                break;
        }
    }
    if (const Result<void> completed = complete_settings(settings); !completed) return completed.error();
    return settings;
}

std::string machine_name(const Settings& settings) {
    const MachineConfig& machine = settings.machine;
    std::vector<std::string> paths;
    if (!machine.kernel.empty()) paths.push_back(machine.kernel);
    for (const auto* images : {&machine.floppies, &machine.cdroms, &machine.disks, &machine.flashes}) {
        for (const ImageConfig& image : *images) {
            if (image.path != "none") paths.push_back(image.path);
        }
    }
    std::string name;
    for (const std::string& path : paths) name += (name.empty() ? "" : ", ") + file_name(path);
    return name.empty() ? "a machine without images" : name;
}

StartScreen::StartScreen(const std::vector<RecentMachine>& recent, std::string folder)
    : page_("Bantam", "Enter or a click starts; an image dropped here is opened, too"),
      sizes_("How large is the new disk?", "Enter takes a size or what you type (700M, 20G), Esc goes back"),
      folder_(std::move(folder)) {
    std::vector<ListPage::Row> rows;
    for (const RecentMachine& each : recent) {
        Settings settings;
        // What another version wrote, or somebody else, may mean nothing here.
        if (!read_machine_text(each.machine, "recent machine", settings) || !complete_settings(settings)) continue;
        if (rows.empty()) rows.push_back({.label = "Run again", .heading = true});
        rows.push_back({.label = machine_name(settings),
                        .note = fmt::format("{}, {}", format_size(settings.machine.memory_bytes), each.folder)});
        recent_.push_back({std::move(settings), each.folder});
    }
    if (!rows.empty()) rows.push_back({.label = "Something else", .heading = true});
    rows.push_back({.label = "Open an image (disk, CD-ROM, diskette, kernel) or MACHINE.toml"});
    rows.push_back({.label = "Create a disk"});
    rows.push_back({.label = "Quit"});
    page_.set_rows(std::move(rows));
    std::vector<ListPage::Row> sizes;
    for (const std::string_view size : kSizes) sizes.push_back({.label = std::string(size)});
    sizes_.add_line("Size:");
    sizes_.set_rows(std::move(sizes));
}

const ListPage& StartScreen::page() const {
    if (step_ == Step::disk_size) return sizes_;
    return chooser_ ? chooser_->page() : page_;
}

void StartScreen::choose_file(Step step) {
    step_ = step;
    const auto purpose = step == Step::new_disk ? FileChooser::Purpose::create : FileChooser::Purpose::open;
    chooser_.emplace(step == Step::image      ? "Open"
                     : step == Step::new_disk ? "New disk in"
                                              : "Install it from (Esc: later)",
                     folder_, purpose);
}

/// The row counts from the last one: those before are recent machines and headings.
StartScreen::Answer StartScreen::choose(std::size_t row) {
    const std::size_t from_end = page_.rows().size() - row;
    if (from_end == 1) return {.closed = true};
    if (from_end <= 3) {
        choose_file(from_end == 3 ? Step::image : Step::new_disk);
        return {};
    }
    const Recent& recent = recent_.at(row - 1);
    return {.machine = recent.settings, .folder = recent.folder};
}

StartScreen::Answer StartScreen::open(const std::string& path) {
    Result<Settings> settings = settings_for_image(path);
    step_ = Step::main;
    chooser_.reset();
    if (settings)
        return {.machine = std::move(settings.value()), .folder = std::filesystem::path(path).parent_path().native()};
    say(settings.error().message);
    return {};
}

/// The new disk, started from a medium that fills it.
StartScreen::Answer StartScreen::install(const std::string& path) {
    Answer answer = open(path);
    if (!answer.machine) return answer;
    MachineConfig& machine = answer.machine->machine;
    machine.disks.insert(machine.disks.begin(), {.path = disk_});
    if (machine.boot_order == "d") machine.boot_order = "cd";  // the installed system, as soon as there is one
    return answer;
}

StartScreen::Answer StartScreen::take_file(const std::string& path) {
    if (step_ == Step::image) return open(path);
    if (step_ == Step::installation) return install(path);
    disk_ = path;
    step_ = Step::disk_size;
    chooser_.reset();
    sizes_.set_text("");
    return {};
}

void StartScreen::take_size(const std::string& text) {
    const auto bytes = parse_size(text);
    if (!bytes) return sizes_.set_message(fmt::format("'{}' is no size: write 700M or 20G", text));
    if (const Result<void> created = create_disk_image(disk_, *bytes); !created)
        return sizes_.set_message(created.error().message);
    say(fmt::format("{} was created", file_name(disk_)));
    choose_file(Step::installation);
}

StartScreen::Answer StartScreen::handle(const ScreenEvent& event, const Placement& place) {
    using Kind = ListPage::Answer::Kind;
    if (event.kind == ScreenEvent::Kind::closed) return {.closed = true};
    if (event.kind == ScreenEvent::Kind::file_dropped)
        return step_ == Step::installation ? install(event.text) : open(event.text);
    if (chooser_) {
        const FileChooser::Answer answer = chooser_->handle(event, place);
        folder_ = chooser_->folder();
        if (answer.kind == FileChooser::Answer::Kind::chosen) return take_file(answer.path);
        if (answer.kind == FileChooser::Answer::Kind::cancelled) {
            chooser_.reset();
            step_ = Step::main;
        }
        return {};
    }
    if (step_ == Step::disk_size) {
        const ListPage::Answer answer = sizes_.handle(event, place);
        if (answer.kind == Kind::chosen) take_size(sizes_.rows().at(answer.row).label);
        if (answer.kind == Kind::entered) take_size(sizes_.text());
        if (answer.kind == Kind::cancelled) step_ = Step::main;
        return {};
    }
    const ListPage::Answer answer = page_.handle(event, place);
    if (answer.kind == Kind::chosen) return choose(answer.row);
    if (answer.kind == Kind::cancelled) return {.closed = true};
    return {};
}

}  // namespace bantam::frontend
