#include "frontend/picture_feed.h"

#include <mutex>

namespace bantam::frontend {

struct PictureFeed::Shared {
    std::function<void()> ready;
    devices::Picture last;  // the machine's thread alone
    std::mutex mutex;
    bool under_way = false;
    bool waiting = false;
    devices::Frame frame;
    Status status;
};

PictureFeed::PictureFeed(Machine& machine, std::function<void()> ready)
    : machine_(machine), shared_(std::make_shared<Shared>()) {
    shared_->ready = std::move(ready);
}

void PictureFeed::request() {
    {
        const std::lock_guard lock(shared_->mutex);
        if (shared_->under_way) return;
        shared_->under_way = true;
    }
    machine_.post([&machine = machine_, shared = shared_] {
        const bool changed = machine.render_changes(shared->last);
        Status status{.guest_ns = machine.now_ns(),
                      .running = machine.running(),
                      .mouse_is_absolute = machine.mouse_is_absolute(),
                      .drives = machine.drives()};
        {
            const std::lock_guard lock(shared->mutex);
            shared->under_way = false;
            shared->status = std::move(status);
            if (changed) {
                shared->frame = shared->last.frame;
                shared->waiting = true;
            }
        }
        if (changed) shared->ready();
    });
}

bool PictureFeed::take(devices::Frame& frame) {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->waiting) return false;
    std::swap(frame, shared_->frame);
    shared_->waiting = false;
    return true;
}

PictureFeed::Status PictureFeed::status() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->status;
}

}  // namespace bantam::frontend
