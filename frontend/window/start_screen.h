// StartScreen: what `bantam` alone shows on a desktop: the machines that ran last, an image to open, a disk to create.
// Pages and events only; frontend/start.cpp gives it a window and runs what was chosen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontend/options.h"
#include "frontend/recent_machines.h"
#include "frontend/window/file_chooser.h"
#include "frontend/window/list_page.h"

namespace bantam::frontend {

/// A machine for the image: started from a diskette, a CD-ROM, a hard disk (with empty drives for what comes later) or
/// a kernel by what the file is, or as MACHINE.toml says. Errors: bad_input, host_resource, usage.
Result<Settings> settings_for_image(const std::string& path);

/// What a machine is called by what it starts from: "debian.iso, disk.img".
std::string machine_name(const Settings& settings);

class StartScreen {
public:
    struct Answer {
        bool closed = false;
        std::optional<Settings> machine = {};  // to be run
        std::string folder = {};               // that its file names are relative to
    };

    /// `folder`: where files are looked for first.
    StartScreen(const std::vector<RecentMachine>& recent, std::string folder);

    Answer handle(const ScreenEvent& event, const Placement& place);
    /// Shown until the person does something: why a machine does not run.
    void say(std::string message) { page_.set_message(std::move(message)); }
    [[nodiscard]] const ListPage& page() const;

private:
    enum class Step { main, image, new_disk, disk_size, installation };
    struct Recent {
        Settings settings;
        std::string folder;
    };

    Answer choose(std::size_t row);
    void choose_file(Step step);
    Answer take_file(const std::string& path);
    void take_size(const std::string& text);
    Answer open(const std::string& path);
    Answer install(const std::string& path);

    ListPage page_;
    ListPage sizes_;
    std::optional<FileChooser> chooser_;
    Step step_ = Step::main;
    std::vector<Recent> recent_;
    std::string folder_, disk_;  // disk_: the new one
};

}  // namespace bantam::frontend
