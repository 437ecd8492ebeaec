// MemoryImage: an Image in memory for tests: it can fail, be read-only, count, and hold every request back.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "storage/image.h"

namespace bantam::storage {

class MemoryImage final : public Image {
public:
    explicit MemoryImage(u64 sectors) : bytes(sectors * kSectorSize) {}
    [[nodiscard]] u64 sector_count() const override { return bytes.size() / kSectorSize; }
    [[nodiscard]] bool readonly() const override { return read_only; }
    [[nodiscard]] const std::string& path() const override { return name; }
    Result<void> read(u64 first, std::span<u8> to) override {
        wait_held();
        if (broken || !fits(first, to.size())) return failure();
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(first * kSectorSize), to.size(), to.begin());
        return {};
    }
    Result<void> write(u64 first, std::span<const u8> from) override {
        wait_held();
        if (broken || read_only || !fits(first, from.size())) return failure();
        std::copy(from.begin(), from.end(), bytes.begin() + static_cast<std::ptrdiff_t>(first * kSectorSize));
        return {};
    }
    Result<void> flush() override {
        wait_held();
        if (broken) return failure();
        ++flushes;
        return {};
    }
    [[nodiscard]] std::string info() const override { return "memory"; }

    /// Requests wait until release().
    void hold() {
        const std::lock_guard lock(mutex_);
        held_ = true;
    }
    void release() {
        const std::lock_guard lock(mutex_);
        held_ = false;
        released_.notify_all();
    }

    std::vector<u8> bytes;
    std::string name = "memory";
    std::atomic<bool> read_only = false, broken = false;
    std::atomic<unsigned> flushes = 0;

private:
    static Error failure() { return {ExitStatus::host_resource, "the memory image refuses"}; }
    [[nodiscard]] bool fits(u64 first, u64 size) const {
        return first <= sector_count() && size / kSectorSize <= sector_count() - first;
    }
    void wait_held() {
        std::unique_lock lock(mutex_);
        released_.wait(lock, [this] { return !held_; });
    }
    std::mutex mutex_;
    std::condition_variable released_;
    bool held_ = false;
};

}  // namespace bantam::storage
