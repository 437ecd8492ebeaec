// Menu: what can be done with a running machine, drawn over its picture: each action of the window with its shortcut,
// and what is in the drives.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontend/window/file_chooser.h"
#include "frontend/window/host_keys.h"
#include "frontend/window/list_page.h"
#include "machine/inventory.h"

namespace bantam::frontend {

class Menu {
public:
    struct Answer {
        bool closed = false;
        Action action = Action::none;
        std::string drive = {}, path = {};  // Action::insert and Action::eject
    };

    /// `folder`: where images are looked for first.
    Menu(const std::vector<DriveState>& drives, std::string folder);

    /// What is in the drives now.
    void update(const std::vector<DriveState>& drives);
    Answer handle(const ScreenEvent& event, const Placement& place);
    [[nodiscard]] const ListPage& page() const { return chooser_ ? chooser_->page() : page_; }
    /// Where the person has looked for images.
    [[nodiscard]] const std::string& folder() const { return folder_; }

private:
    struct Choice {
        Action action = Action::none;
        std::string drive = {};
    };

    ListPage page_;
    std::vector<Choice> choices_;  // by row
    std::optional<FileChooser> chooser_;
    std::string folder_, drive_;  // for the image that is being chosen
};

}  // namespace bantam::frontend
