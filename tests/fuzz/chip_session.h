// ChipSession: turns bytes into a guest that does anything to a chip: reads, writes and peeks of every size at every
// offset, pins, time in small steps and long leaps, damaged saved state, reset. A run ends with a save that must load
// back the same.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <span>
#include <vector>

#include "base/bits.h"
#include "base/scheduler.h"
#include "devices/device.h"

namespace bantam::devices {

class ChipSession {
public:
    ChipSession(const u8* data, std::size_t size) : input_(data, size) {}

    Scheduler scheduler;

    /// A register window of `bytes` bytes.
    void add_window(RegisterSpace space, u64 bytes) { windows_.push_back({std::move(space), bytes}); }
    /// Something else that can happen to the chip; the argument is any value.
    void add_action(std::function<void(u64)> action) { actions_.push_back(std::move(action)); }
    /// The chip whose state is damaged, printed, reset and saved.
    void add_chip(Device& chip) { chips_.push_back(&chip); }

    /// Spends the input.
    void run() {
        while (!input_.empty()) step();
        for (Device* chip : chips_) check_round_trip(*chip);
    }

private:
    struct Window {
        RegisterSpace space;
        u64 bytes;
    };

    u8 next() {
        if (input_.empty()) return 0;
        const u8 byte = input_.front();
        input_ = input_.subspan(1);
        return byte;
    }
    u64 next_value(unsigned bytes) {
        u64 value = 0;
        for (unsigned i = 0; i < bytes; ++i) value |= u64{next()} << (8 * i);
        return value;
    }

    void step() {
        const u8 operation = next();
        switch (operation & 7) {
            case 0:
            case 1:
            case 2:
            case 3:
                access((operation & 7) != 0 ? (operation & 7) == 1 : operation >= 0x80, operation >> 3);
                break;
            case 4:
                if (!actions_.empty()) {
                    const u8 which = next();
                    actions_[which % actions_.size()](next_value(1 + (which >> 5)));
                }
                break;
            case 5:
            case 6:
                advance(next_value(1 + ((operation >> 3) & 3)));
                break;
            default:
                rare(operation >> 3);
                break;
        }
        scheduler.run_due();
    }

    void access(bool is_read, unsigned selector) {
        if (windows_.empty()) return;
        Window& window = windows_[selector % windows_.size()];
        const u64 offset = next_value(window.bytes > 0x10000 ? 3 : window.bytes > 0x100 ? 2 : 1) % window.bytes;
        unsigned size = std::min(1u << ((selector >> 3) & 3), window.space.max_size);
        while (offset + size > window.bytes) size /= 2;
        if (is_read) {
            if (window.space.peek) (void)window.space.peek(offset, size);
            (void)window.space.read(offset, size);
        } else {
            window.space.write(offset, size, next_value(size));
        }
    }

    // Timers that are due soon fire on time; what is left after kSteps of them fires late, as on a slow host.
    void advance(u64 ns) {
        constexpr unsigned kSteps = 32;
        const u64 end = scheduler.now() + ns;
        for (unsigned i = 0; i < kSteps && scheduler.next_deadline() <= end; ++i) {
            scheduler.set_now(std::max(scheduler.next_deadline(), scheduler.now()));
            scheduler.run_due();
        }
        scheduler.set_now(std::max(end, scheduler.now()));
    }

    void rare(unsigned what) {
        if (chips_.empty()) return;
        Device& chip = *chips_[what % chips_.size()];
        if (what < 20) {
            (void)chip.info();
        } else if (what < 26) {
            Damage damage(*this);
            chip.describe(damage);
        } else {
            chip.reset();
        }
    }

    static void check_round_trip(Device& chip) {
        Save before;
        chip.describe(before);
        Load load(before.bytes_saved);
        chip.describe(load);
        Save after;
        chip.describe(after);
        if (before.bytes_saved != after.bytes_saved) std::abort();
        chip.reset();
        (void)chip.info();
    }

    /// Loads whatever the input says.
    class Damage final : public Archive {
    public:
        explicit Damage(ChipSession& session) : session_(session) {}
        [[nodiscard]] bool loading() const override { return true; }
        void begin_section(std::string_view) override {}
        void end_section() override {}
        void scalar(std::string_view, u64& value, unsigned size) override {
            // Three of four fields stay, so that damage reaches states that plausible registers surround.
            if ((session_.next() & 3) == 3) value = session_.next_value(size) & mask_for(size);
        }
        void bytes(std::string_view, void* data, std::size_t size) override {
            auto* at = static_cast<u8*>(data);
            for (std::size_t i = 0; i < size && !session_.input_.empty(); ++i) at[i] = session_.next();
        }

    private:
        ChipSession& session_;
    };
    // Frame buffers would take nearly all of an input's time; that they are saved whole is a unit test's matter.
    static constexpr std::size_t kTooLarge = 1 << 16;
    class Save final : public Archive {
    public:
        std::vector<u8> bytes_saved;
        [[nodiscard]] bool loading() const override { return false; }
        void begin_section(std::string_view) override {}
        void end_section() override {}
        void scalar(std::string_view, u64& value, unsigned) override { bytes({}, &value, sizeof value); }
        void bytes(std::string_view, void* data, std::size_t size) override {
            const auto* at = static_cast<const u8*>(data);
            if (size > kTooLarge) size = 0;
            bytes_saved.insert(bytes_saved.end(), at, at + size);
        }
    };
    class Load final : public Archive {
    public:
        explicit Load(std::span<const u8> saved) : saved_(saved) {}
        [[nodiscard]] bool loading() const override { return true; }
        void begin_section(std::string_view) override {}
        void end_section() override {}
        void scalar(std::string_view, u64& value, unsigned) override { bytes({}, &value, sizeof value); }
        void bytes(std::string_view, void* data, std::size_t size) override {
            if (size > kTooLarge) size = 0;
            std::copy_n(saved_.begin(), size, static_cast<u8*>(data));
            saved_ = saved_.subspan(size);
        }

    private:
        std::span<const u8> saved_;
    };

    std::span<const u8> input_;
    std::vector<Window> windows_;
    std::vector<std::function<void(u64)>> actions_;
    std::vector<Device*> chips_;
};

}  // namespace bantam::devices
