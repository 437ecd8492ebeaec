// FileChooser: a page that shows a folder's files to open one, or to say where a new one goes. Typing looks for names,
// or gives a path.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "frontend/window/list_page.h"

namespace bantam::frontend {

class FileChooser {
public:
    enum class Purpose { open, create };
    struct Answer {
        enum class Kind { none, chosen, cancelled } kind = Kind::none;
        std::string path = {};  // absolute; for Purpose::create nothing is there yet
    };

    /// `what`: the title, before the folder's name.
    FileChooser(std::string what, const std::string& folder, Purpose purpose);

    Answer handle(const ScreenEvent& event, const Placement& place);
    [[nodiscard]] const ListPage& page() const { return page_; }
    [[nodiscard]] const std::string& folder() const { return folder_.native(); }

private:
    struct Entry {
        std::string name;
        bool folder = false;
        u64 bytes = 0;
    };
    void enter(const std::filesystem::path& folder);
    void show();
    Answer take(const std::filesystem::path& path);
    Answer take_typed();

    std::string what_;
    std::filesystem::path folder_;
    Purpose purpose_;
    ListPage page_;
    std::vector<Entry> entries_;      // of folder_
    std::vector<std::string> shown_;  // names by row
};

}  // namespace bantam::frontend
