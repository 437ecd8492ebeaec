#include "machine/host/terminal.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>

namespace bantam::host {
namespace {

termios saved_mode;  // valid while raw_fd >= 0
std::atomic<int> raw_fd = -1;

constexpr std::array kFatalSignals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGHUP, SIGTERM, SIGINT};

void restore_and_die(int signal) {
    restore_terminal();
    ::raise(signal);  // SA_RESETHAND: the default action now
}

/// Only where nobody else (the run command, the engine) has a handler of their own.
void install_handlers() {
    for (const int signal : kFatalSignals) {
        struct sigaction current {};
        if (::sigaction(signal, nullptr, &current) != 0 || current.sa_handler != SIG_DFL) continue;
        struct sigaction action {};
        action.sa_handler = restore_and_die;
        action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
        ::sigaction(signal, &action, nullptr);
    }
}

}  // namespace

RawTerminal::RawTerminal(int fd) {
    if (raw_fd >= 0 || ::isatty(fd) == 0 || ::tcgetattr(fd, &saved_mode) != 0) return;
    termios raw = saved_mode;
    ::cfmakeraw(&raw);
    raw.c_oflag |= OPOST;  // keeps our own messages in shape; a guest's CR LF is not harmed
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (::tcsetattr(fd, TCSANOW, &raw) != 0) return;
    raw_fd = fd;
    active_ = true;
    static const bool registered = [] {
        install_handlers();
        return std::atexit([] { restore_terminal(); }) == 0;
    }();
    static_cast<void>(registered);
}

RawTerminal::~RawTerminal() {
    if (active_) restore_terminal();
}

bool standard_input_is_terminal() { return ::isatty(STDIN_FILENO) != 0; }

void restore_terminal() noexcept {
    const int fd = raw_fd.exchange(-1);
    if (fd >= 0) ::tcsetattr(fd, TCSANOW, &saved_mode);
}

}  // namespace bantam::host
