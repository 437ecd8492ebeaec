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
    ++statistics_.reads;
    statistics_.read_bytes += sectors * kSectorSize;
    return submit(BlockRequest::Kind::read, first, std::vector<u8>(std::size_t{sectors} * kSectorSize));
}

BlockDevice::Request BlockDevice::write(u64 first, std::span<const u8> from) {
    ++statistics_.writes;
    statistics_.written_bytes += from.size();
    statistics_.highest_write_end = std::max(statistics_.highest_write_end, first * kSectorSize + from.size());
    return submit(BlockRequest::Kind::write, first, {from.begin(), from.end()});
}

BlockDevice::Request BlockDevice::flush() {
    ++statistics_.flushes;
    return submit(BlockRequest::Kind::flush, 0, {});
}

BlockStatistics BlockDevice::statistics() const {
    using Kind = BlockRequest::Kind;
    const auto failed = [this](Kind kind) -> const Failures& { return failures_.at(static_cast<std::size_t>(kind)); };
    BlockStatistics all = statistics_;
    all.failed_reads = failed(Kind::read).count;
    all.failed_read_bytes = failed(Kind::read).bytes;
    all.failed_writes = failed(Kind::write).count;
    all.failed_written_bytes = failed(Kind::write).bytes;
    all.failed_flushes = failed(Kind::flush).count;
    return all;
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
        if (!request->result_) {
            Failures& failures = failures_.at(static_cast<std::size_t>(request->kind_));
            ++failures.count;
            failures.bytes += request->data_.size();
        }
        request->done_.store(true, std::memory_order_release);
        request->done_.notify_all();
        lock.lock();
        queue_.pop_front();
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
