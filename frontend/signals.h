// SignalWatch: SIGINT, SIGTERM and SIGHUP end the machine in an orderly way; a second one ends the process at once,
// with the terminal as it was found.
#pragma once

#include <atomic>
#include <thread>

#include "machine/machine.h"

namespace bantam::frontend {

class SignalWatch {
public:
    /// Blocks the signals for this thread and all it will start, and turns SIGPIPE into an error of write(). Call
    /// before any thread exists.
    static void block();
    /// For this thread: they end the process again.
    static void unblock();
    /// Starts the thread that waits for them.
    explicit SignalWatch(Machine& machine);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

private:
    void watch();

    Machine& machine_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace bantam::frontend
