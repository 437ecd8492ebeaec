#include "frontend/signals.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "machine/host/terminal.h"

namespace bantam::frontend {
namespace {

sigset_t watched_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    return set;
}

}  // namespace

void SignalWatch::block() {
    const sigset_t set = watched_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

void SignalWatch::unblock() {
    const sigset_t set = watched_signals();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

Result<std::unique_ptr<SignalWatch>> SignalWatch::start(Machine& machine) {
    const sigset_t set = watched_signals();
    const int signal_fd = ::signalfd(-1, &set, SFD_CLOEXEC);
    const int wake_fd = ::eventfd(0, EFD_CLOEXEC);
    if (signal_fd < 0 || wake_fd < 0) {
        const int cause = errno;
        if (signal_fd >= 0) ::close(signal_fd);
        return Error{ExitStatus::host_resource, fmt::format("cannot watch for signals: {}", std::strerror(cause))};
    }
    return std::unique_ptr<SignalWatch>(new SignalWatch(machine, signal_fd, wake_fd));
}

SignalWatch::SignalWatch(Machine& machine, int signal_fd, int wake_fd)
    : machine_(machine), signal_fd_(signal_fd), wake_fd_(wake_fd), thread_([this] { watch(); }) {}

SignalWatch::~SignalWatch() {
    const u64 one = 1;
    CHECK(::write(wake_fd_, &one, sizeof(one)) == sizeof(one));
    thread_.join();
    ::close(wake_fd_);
    ::close(signal_fd_);
}

void SignalWatch::watch() {
    bool asked = false;
    while (true) {
        std::array<pollfd, 2> fds{pollfd{signal_fd_, POLLIN, 0}, pollfd{wake_fd_, POLLIN, 0}};
        if (::poll(fds.data(), fds.size(), -1) < 0) continue;  // EINTR
        if ((fds[1].revents & POLLIN) != 0) return;
        signalfd_siginfo info{};
        if (::read(signal_fd_, &info, sizeof(info)) != sizeof(info)) continue;
        if (asked) {
            host::restore_terminal();
            ::_exit(128 + static_cast<int>(info.ssi_signo));
        }
        asked = true;
        machine_.request_quit();
    }
}

}  // namespace bantam::frontend
