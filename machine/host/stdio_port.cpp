#include "machine/host/stdio_port.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace bantam::host {
namespace {

constexpr u8 kEscapeKey = 0x01;  // Ctrl-A
constexpr int kDrainTimeout_ms = 2000;

bool closed(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) != 0;
}

}  // namespace

StdioPort::StdioPort(bool with_input, PortEvents events) : FdPort(WhenFull::wait, std::move(events)) {
    const bool readable = with_input && !closed(STDIN_FILENO);
    set_fds(readable ? STDIN_FILENO : -1, closed(STDOUT_FILENO) ? -1 : STDOUT_FILENO);
    ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is output_failed
    if (!readable) return;
    terminal_ = std::make_unique<RawTerminal>(STDIN_FILENO);
    struct stat status {};
    input_is_file_ = ::fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

StdioPort::~StdioPort() { drain(kDrainTimeout_ms); }

bool StdioPort::input_possible() const { return FdPort::input_possible() && !input_is_file_; }

void StdioPort::received(u8 byte) {
    if (!terminal_->active()) {
        queue_input(byte);
    } else if (escaped_) {
        escaped_ = false;
        escape_command(byte);
    } else if (byte == kEscapeKey) {
        escaped_ = true;
    } else {
        queue_input(byte);
    }
}

void StdioPort::escape_command(u8 key) {
    switch (key) {
        case 'x':
        case 'X':
            if (events().quit) events().quit();
            break;
        case 'a':
        case kEscapeKey:
            queue_input(kEscapeKey);
            break;
        case 'h':
        case '?':
            for (const char c :
                 std::string_view("\r\nCtrl-A x quits; Ctrl-A a sends Ctrl-A; Ctrl-A h shows this\r\n")) {
                put(static_cast<u8>(c));
            }
            break;
        default:
            break;
    }
}

void StdioPort::output_failed(int error) {
    if (error != EPIPE) FdPort::output_failed(error);
    close_fds();
    if (events().quit) events().quit();  // as any filter ends whose reader has gone
}

}  // namespace bantam::host
