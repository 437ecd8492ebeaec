// See block_device.h.
#include "storage/block_device.h"

#include <fmt/format.h>
#include <signal.h>

#include <system_error>

namespace bantam::storage {

const Result<void>& BlockRequest::finish() const {
    done_.wait(false, std::memory_order_acquire);
    return result_;
}

Result<std::unique_ptr<BlockDevice>> BlockDevice::create(std::unique_ptr<Image> image) {
    std::unique_ptr<BlockDevice> device(new BlockDevice(std::move(image)));
    // Signals are the other threads' business: the worker inherits a mask that blocks them all.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::optional<Error> failure;
    try {
        device->worker_ = std::thread([raw = device.get()] { raw->work(); });
    } catch (const std::system_error& error) {
        failure = Error{ExitStatus::host_resource,
                        fmt::format("{}: the host gives no thread for it: {}; end other programs or raise 'ulimit -u'",
                                    device->info(), error.code().message())};
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (failure) return *failure;
    return device;
}

BlockDevice::~BlockDevice() {
    if (!worker_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    worker_.join();
}

BlockDevice::Request BlockDevice::read(u64 first, u32 sectors) {
    return submit(BlockRequest::Kind::read, first, std::vector<u8>(std::size_t{sectors} * kSectorSize));
}

BlockDevice::Request BlockDevice::write(u64 first, std::span<const u8> from) {
    return submit(BlockRequest::Kind::write, first, {from.begin(), from.end()});
}

BlockDevice::Request BlockDevice::flush() { return submit(BlockRequest::Kind::flush, 0, {}); }

BlockStatistics BlockDevice::statistics() const {
    const std::lock_guard lock(mutex_);
    return statistics_;
}

void BlockDevice::count(const BlockRequest& request) {
    BlockStatistics& s = statistics_;
    const u64 bytes = request.data_.size();
    const bool failed = !request.result_;
    switch (request.kind_) {
        case BlockRequest::Kind::read:
            ++s.reads;
            s.read_bytes += bytes;
            s.failed_reads += failed ? 1 : 0;
            s.failed_read_bytes += failed ? bytes : 0;
            break;
        case BlockRequest::Kind::write:
            ++s.writes;
            s.written_bytes += bytes;
            s.highest_write_end = std::max(s.highest_write_end, request.first_ * kSectorSize + bytes);
            s.failed_writes += failed ? 1 : 0;
            s.failed_written_bytes += failed ? bytes : 0;
            break;
        case BlockRequest::Kind::flush:
            ++s.flushes;
            s.failed_flushes += failed ? 1 : 0;
            break;
    }
}

BlockDevice::Request BlockDevice::submit(BlockRequest::Kind kind, u64 first, std::vector<u8> data) {
    Request request(new BlockRequest(kind, first, std::move(data)));
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return queue_.size() < kMostQueued; });
        queue_.push_back(request);
    }
    changed_.notify_all();
    return request;
}

void BlockDevice::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return !queue_.empty() || ending_; });
        if (queue_.empty()) return;
        const Request request = queue_.front();
        lock.unlock();
        request->result_ = carry_out(*request);
        lock.lock();
        count(*request);
        queue_.pop_front();
        request->done_.store(true, std::memory_order_release);
        request->done_.notify_all();
        changed_.notify_all();
    }
}

Result<void> BlockDevice::carry_out(BlockRequest& request) {
    switch (request.kind_) {
        case BlockRequest::Kind::read:
            return image_->read(request.first_, request.data_);
        case BlockRequest::Kind::write:
            return image_->write(request.first_, request.data_);
        case BlockRequest::Kind::flush:
            return image_->flush();
    }
    return {};
}

}  // namespace bantam::storage
