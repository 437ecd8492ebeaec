// TestBoard: what a chip under test is wired to: a scheduler whose time the test moves, recorded output lines, and the
// generic checks every chip must pass (save, load into a poisoned twin and compare; reset equals a fresh chip).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/archive.h"
#include "base/scheduler.h"
#include "devices/device.h"

namespace bantam::devices {

/// An output pin's listener: its level now, and every change with its time.
class RecordedLine {
public:
    struct Change {
        u64 time_ns;
        bool level;
        bool operator==(const Change&) const = default;
    };
    explicit RecordedLine(const Scheduler& scheduler) : scheduler_(scheduler) {}
    /// The pin to hand to the chip. The line must outlive it.
    [[nodiscard]] OutputLine pin() {
        return [this](bool driven) {
            changes.push_back({scheduler_.now(), driven});
            level = driven;
        };
    }
    [[nodiscard]] unsigned rises() const {
        unsigned count = 0;
        for (const Change& change : changes) count += change.level ? 1 : 0;
        return count;
    }
    bool level = false;
    std::vector<Change> changes;

private:
    const Scheduler& scheduler_;
};

class TestBoard {
public:
    Scheduler scheduler;
    [[nodiscard]] u64 now() const { return scheduler.now(); }
    /// Moves time to `time_ns`, stopping at every timer on the way as the run loop does.
    void run_until(u64 time_ns) {
        while (scheduler.next_deadline() <= time_ns) {
            scheduler.set_now(std::max(scheduler.next_deadline(), scheduler.now()));
            scheduler.run_due();
        }
        scheduler.set_now(time_ns);
    }
    void run_for(u64 ns) { run_until(now() + ns); }
    /// Moves time in one leap: every timer on the way is late.
    void leap(u64 ns) {
        scheduler.set_now(now() + ns);
        scheduler.run_due();
    }
};

/// Saved state as a flat list of named values.
class SaveArchive final : public Archive {
public:
    using Entry = std::pair<std::string, std::vector<u8>>;
    std::vector<Entry> entries;
    [[nodiscard]] bool loading() const override { return false; }
    void begin_section(std::string_view name) override { path_.push_back(std::string(name) + "/"); }
    void end_section() override { path_.pop_back(); }
    void scalar(std::string_view name, u64& value, unsigned size) override { bytes(name, &value, size); }
    void bytes(std::string_view name, void* data, std::size_t size) override {
        std::vector<u8> copy(size);
        if (size != 0) std::memcpy(copy.data(), data, size);
        std::string full;
        for (const std::string& part : path_) full += part;
        entries.emplace_back(full.append(name), std::move(copy));
    }

private:
    std::vector<std::string> path_;
};

/// Loads entries in the order they were saved; `transform` may alter each value first.
class LoadArchive final : public Archive {
public:
    explicit LoadArchive(std::vector<SaveArchive::Entry> entries) : entries_(std::move(entries)) {}
    [[nodiscard]] bool loading() const override { return true; }
    void begin_section(std::string_view) override {}
    void end_section() override {}
    void scalar(std::string_view name, u64& value, unsigned size) override {
        value = 0;
        bytes(name, &value, size);
    }
    void bytes(std::string_view, void* data, std::size_t size) override {
        ASSERT_LT(next_, entries_.size());
        const std::vector<u8>& saved = entries_[next_++].second;
        ASSERT_EQ(saved.size(), size);
        if (size != 0) std::memcpy(data, saved.data(), size);
    }

private:
    std::vector<SaveArchive::Entry> entries_;
    std::size_t next_ = 0;
};

template <class Chip>
std::vector<SaveArchive::Entry> saved(Chip& chip) {
    SaveArchive archive;
    chip.describe(archive);
    return std::move(archive.entries);
}

/// `used` has been worked with, `twin` is fresh: twin takes over the state of `used` exactly, names are unique, and
/// reset brings both back to the power-on state.
template <class Chip>
void expect_faithful_state(Chip& used, Chip& twin) {
    const auto fresh = saved(twin);
    const auto state = saved(used);
    EXPECT_NE(fresh, state) << "the test should bring the chip into a state worth saving";
    LoadArchive load(state);
    twin.describe(load);
    EXPECT_EQ(saved(twin), state);
    EXPECT_EQ(twin.info(), used.info());
    twin.reset();
    used.reset();
    EXPECT_EQ(saved(twin), fresh);
    EXPECT_EQ(saved(used), fresh);
}

}  // namespace bantam::devices
