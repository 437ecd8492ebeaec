#include "frontend/signals.h"

#include <unistd.h>

#include <csignal>

#include "base/check.h"
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

SignalWatch::SignalWatch(Machine& machine) : machine_(machine), thread_([this] { watch(); }) {}

SignalWatch::~SignalWatch() {
    ending_ = true;
    CHECK(pthread_kill(thread_.native_handle(), SIGHUP) == 0);
    thread_.join();
}

/// PERF: no signalfd, whose poller the kernel wakes at every signal of the process: each fault of translated code.
void SignalWatch::watch() {
    const sigset_t set = watched_signals();
    bool asked = false;
    while (true) {
        const int signal = sigwaitinfo(&set, nullptr);
        if (ending_) return;
        if (signal < 0) continue;  // EINTR
        if (asked) {
            host::restore_terminal();
            ::_exit(128 + signal);
        }
        asked = true;
        machine_.request_quit();
    }
}

}  // namespace bantam::frontend
