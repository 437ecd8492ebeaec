#include "frontend/window/file_chooser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

namespace bantam::frontend {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMostEntries = 10'000;  // of a folder: more is nothing to pick from by eye
constexpr std::string_view kParent = "..";

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

std::string rounded_size(u64 bytes) {
    constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    auto value = static_cast<double>(bytes);
    for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
    return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 100 ? 0 : 1, kUnits.at(unit));
}

const char* hint(FileChooser::Purpose purpose) {
    return purpose == FileChooser::Purpose::open ? "Enter opens, typing looks for a name or gives a path, Esc goes back"
                                                 : "Type the new file's name, Enter takes it, Esc goes back";
}

}  // namespace

FileChooser::FileChooser(std::string what, const std::string& folder, Purpose purpose)
    : what_(std::move(what)), purpose_(purpose), page_("", hint(purpose)) {
    page_.add_line(purpose == Purpose::open ? "Find:" : "Name:");
    std::error_code failed;
    enter(fs::absolute(folder, failed));
}

void FileChooser::enter(const fs::path& folder) {
    std::error_code failed;
    fs::directory_iterator at(folder, failed);
    if (failed) return page_.set_message(fmt::format("{}: {}", folder.native(), failed.message()));
    std::vector<Entry> entries;
    for (const fs::directory_iterator end; at != end && entries.size() < kMostEntries; at.increment(failed)) {
        if (failed) break;
        std::string name = at->path().filename();
        if (name.starts_with('.')) continue;
        std::error_code unknown;  // a link that leads nowhere is left out, as are sockets and pipes
        const fs::file_status status = at->status(unknown);
        if (fs::is_directory(status)) {
            entries.push_back({std::move(name), true, 0});
        } else if (fs::is_regular_file(status) || fs::is_block_file(status)) {
            const u64 bytes = at->file_size(unknown);
            entries.push_back({std::move(name), false, unknown ? 0 : bytes});
        }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        if (a.folder != b.folder) return a.folder;
        const std::string left = lower(a.name), right = lower(b.name);
        return left != right ? left < right : a.name < b.name;
    });
    folder_ = folder.lexically_normal();
    if (!folder_.has_filename() && folder_.has_relative_path()) folder_ = folder_.parent_path();
    entries_ = std::move(entries);
    page_.set_title(fmt::format("{} - {}", what_, folder_.native()));
    page_.set_text("");
    show();
    page_.choose_first();
    if (entries_.size() == kMostEntries)
        page_.set_message(fmt::format("only {} names are shown; type a path", kMostEntries));
}

void FileChooser::show() {
    const std::string wanted = purpose_ == Purpose::open ? lower(page_.text()) : std::string{};
    std::vector<ListPage::Row> rows;
    shown_.clear();
    if (wanted.empty() && folder_.has_relative_path()) {
        rows.push_back({.label = std::string(kParent), .note = "folder above"});
        shown_.emplace_back(kParent);
    }
    for (const Entry& entry : entries_) {
        if (!wanted.empty() && lower(entry.name).find(wanted) == std::string::npos) continue;
        rows.push_back({.label = entry.name + (entry.folder ? "/" : ""),
                        .note = entry.folder ? "folder" : rounded_size(entry.bytes)});
        shown_.push_back(entry.name);
    }
    page_.set_rows(std::move(rows));
}

FileChooser::Answer FileChooser::take(const fs::path& path) {
    std::error_code failed;
    const fs::file_status status = fs::status(path, failed);
    if (fs::is_directory(status)) {
        enter(path);
        return {};
    }
    if (purpose_ == Purpose::create && fs::exists(status)) {
        page_.set_message(fmt::format("{} is there already, and stays as it is", path.filename().native()));
        return {};
    }
    if (purpose_ == Purpose::open && !fs::exists(status)) {
        page_.set_message(fmt::format("{}: {}", path.native(), failed ? failed.message() : "there is no such file"));
        return {};
    }
    return {Answer::Kind::chosen, path.lexically_normal()};
}

FileChooser::Answer FileChooser::take_typed() {
    std::string typed = page_.text();
    const char* home = std::getenv("HOME");
    if (typed.starts_with("~/") && home != nullptr) typed.replace(0, 1, home);
    const fs::path path = folder_ / typed;
    std::error_code failed;
    if (purpose_ == Purpose::open && !fs::exists(path, failed) && !shown_.empty())
        return take(folder_ / shown_.at(page_.chosen()));
    return take(path);
}

FileChooser::Answer FileChooser::handle(const ScreenEvent& event, const Placement& place) {
    using Kind = ListPage::Answer::Kind;
    const ListPage::Answer answer = page_.handle(event, place);
    switch (answer.kind) {
        case Kind::none:
            return {};
        case Kind::chosen:
            return take(folder_ / shown_.at(answer.row));
        case Kind::entered:
            return take_typed();
        case Kind::edited:
            show();
            if (purpose_ == Purpose::open) page_.choose_first();
            return {};
        case Kind::backspace:
            enter(folder_.parent_path());
            return {};
        case Kind::cancelled:
            return {Answer::Kind::cancelled};
    }
    return {};
}

}  // namespace bantam::frontend
