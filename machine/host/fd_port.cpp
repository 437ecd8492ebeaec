#include "machine/host/fd_port.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/log.h"

namespace bantam::host {
namespace {

// Output is offered to the host when this much has gathered, and at the end of every slice.
constexpr std::size_t kFlushSize = 1024;

bool ready(int fd, short events, int timeout_ms) {
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, timeout_ms) > 0;
}

}  // namespace

FdPort::~FdPort() { close_fds(); }

void FdPort::set_fds(int in, int out) {
    close_fds();
    in_ = in;
    out_ = out;
}

void FdPort::close_fds() {
    if (in_ > STDERR_FILENO) ::close(in_);
    if (out_ > STDERR_FILENO && out_ != in_) ::close(out_);
    in_ = out_ = -1;
}

void FdPort::put(u8 byte) {
    if (out_ < 0) {
        ++dropped_;
        return;
    }
    if (output_.size() - written_ >= kOutputCapacity) {
        if (when_full_ == WhenFull::wait) wait_for_room();
        if (output_.size() - written_ >= kOutputCapacity) {
            ++dropped_;
            return;
        }
    }
    output_.push_back(byte);
    // Every further kFlushSize bytes: a reader that is slow costs one poll per that many bytes.
    if ((output_.size() - written_) % kFlushSize == 0) write_some();
}

std::optional<u8> FdPort::get() {
    if (input_.empty()) return std::nullopt;
    const u8 byte = input_.front();
    input_.pop_front();
    return byte;
}

void FdPort::add_poll(std::vector<pollfd>& fds) const {
    if (in_ >= 0 && input_.size() < kInputCapacity) fds.push_back({in_, POLLIN, 0});
    if (out_ >= 0 && output_.size() > written_) fds.push_back({out_, POLLOUT, 0});
}

void FdPort::service() {
    if (in_ >= 0) read_input();
    while (write_some()) {
    }
}

void FdPort::drain(int timeout_ms) {
    while (out_ >= 0 && output_.size() > written_) {
        if (write_some()) continue;
        if (out_ < 0 || !ready(out_, POLLOUT, timeout_ms)) break;
    }
}

void FdPort::read_input() {
    if (input_.size() >= kInputCapacity || !ready(in_, POLLIN, 0)) return;
    std::array<u8, 1024> bytes;
    const ssize_t count = ::read(in_, bytes.data(), std::min(bytes.size(), kInputCapacity - input_.size()));
    if (count > 0) {
        for (ssize_t i = 0; i < count; ++i) received(bytes[static_cast<std::size_t>(i)]);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        input_ended();
    }
}

bool FdPort::write_some() {
    const std::size_t pending = output_.size() - written_;
    if (out_ < 0 || pending == 0 || !ready(out_, POLLOUT, 0)) return false;
    // A pipe that polls writable takes PIPE_BUF bytes without waiting; we share standard output with other processes
    // and so must not make it non-blocking.
    const ssize_t count = ::write(out_, output_.data() + written_, std::min(pending, std::size_t{PIPE_BUF}));
    if (count < 0) {
        if (errno == EAGAIN || errno == EINTR) return false;
        dropped_ += pending;
        output_.clear();
        written_ = 0;
        output_failed(errno);
        return false;
    }
    written_ += static_cast<std::size_t>(count);
    if (written_ == output_.size()) {
        output_.clear();
        written_ = 0;
    } else if (written_ >= kOutputCapacity) {
        output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(written_));
        written_ = 0;
    }
    return true;
}

void FdPort::wait_for_room() {
    constexpr int kLookAgain_ms = 50;
    while (out_ >= 0 && output_.size() - written_ >= kOutputCapacity) {
        if (events_.interrupted && events_.interrupted()) return;
        if (ready(out_, POLLOUT, kLookAgain_ms)) write_some();
    }
}

void FdPort::input_ended() {
    if (in_ > STDERR_FILENO && in_ != out_) ::close(in_);
    in_ = -1;
}

void FdPort::output_failed(int error) {
    log::error("{}: cannot write: {}; what the guest sends there is lost from here on", description(),
               std::strerror(error));
    if (out_ > STDERR_FILENO && out_ != in_) ::close(out_);
    out_ = -1;
}

}  // namespace bantam::host
