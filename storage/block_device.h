// BlockDevice: a disk, a CD or a floppy as the controllers see it: 512-byte sectors, read, written and flushed off the
// machine's thread. A request goes to the device's worker thread, which carries requests out in their order, so a flush
// covers every write before it. What the guest sees must not depend on the host's speed: a controller gives each
// request a fixed guest time and takes its result when that time is over, waiting for the host if need be.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "storage/image.h"

namespace bantam::storage {

/// A request: under way until finish() returns. It owns its data, so whoever loses interest just lets go of it.
class BlockRequest {
public:
    /// Waits for the host, then gives the result. May be called again.
    [[nodiscard]] const Result<void>& finish() const;
    /// What a read brought; valid after finish() gave success.
    [[nodiscard]] std::span<const u8> data() const { return data_; }

private:
    friend class BlockDevice;
    enum class Kind { read, write, flush };
    BlockRequest(Kind kind, u64 first, std::vector<u8> data) : kind_(kind), first_(first), data_(std::move(data)) {}

    Kind kind_;
    u64 first_;
    std::vector<u8> data_;
    Result<void> result_;
    std::atomic<bool> done_ = false;
};

/// What a device has carried out, and what of that the host has refused. What is under way is not counted yet.
struct BlockStatistics {
    u64 reads = 0, read_bytes = 0;
    u64 writes = 0, written_bytes = 0;
    u64 highest_write_end = 0;  // byte offset after the last byte written, or refused
    u64 flushes = 0;
    u64 failed_reads = 0, failed_read_bytes = 0;
    u64 failed_writes = 0, failed_written_bytes = 0;
    u64 failed_flushes = 0;
};

class BlockDevice {
public:
    using Request = std::shared_ptr<BlockRequest>;

    /// Starts the worker thread. Errors: the host gives no thread.
    static Result<std::unique_ptr<BlockDevice>> create(std::unique_ptr<Image> image);
    /// Everything submitted is carried out first; unflushed data stays with the host's cache.
    ~BlockDevice();
    BlockDevice(const BlockDevice&) = delete;
    BlockDevice& operator=(const BlockDevice&) = delete;

    [[nodiscard]] u64 sector_count() const { return image_->sector_count(); }
    [[nodiscard]] bool readonly() const { return image_->readonly(); }
    [[nodiscard]] const std::string& path() const { return image_->path(); }
    [[nodiscard]] BlockStatistics statistics() const;
    [[nodiscard]] std::string info() const { return image_->info(); }

    // Requests beyond the end, or a write to a read-only device, end in an Error like any failure of the host. All
    // three wait while kMostQueued requests are under way: a guest that resets its controller over and over cannot pile
    // up more.
    [[nodiscard]] Request read(u64 first, u32 sectors);
    /// `from` is copied; a whole number of sectors.
    [[nodiscard]] Request write(u64 first, std::span<const u8> from);
    /// Ends when every earlier write is on stable storage.
    [[nodiscard]] Request flush();

    static constexpr std::size_t kMostQueued = 16;

private:
    explicit BlockDevice(std::unique_ptr<Image> image) : image_(std::move(image)) {}
    Request submit(BlockRequest::Kind kind, u64 first, std::vector<u8> data);
    void work();
    Result<void> carry_out(BlockRequest& request);

    void count(const BlockRequest& request);

    std::unique_ptr<Image> image_;
    mutable std::mutex mutex_;  // of what follows
    BlockStatistics statistics_;
    std::condition_variable changed_;
    std::deque<Request> queue_;  // the first is being carried out
    bool ending_ = false;
    std::thread worker_;
};

}  // namespace bantam::storage
