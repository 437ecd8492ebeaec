// The process exit statuses scripts may rely on (documented in --help and the man page).
#pragma once

namespace bantam {

enum class ExitStatus : int {
    ok = 0,               // the guest powered off, or the user quit
    usage = 64,           // bad command line or configuration
    bad_input = 65,       // an input file is missing, damaged or unsuitable
    host_resource = 66,   // memory, a lock, a socket, a permission the host did not give
    internal_error = 70,  // a bug in Bantam
    time_limit = 75,      // --time-limit or --wall-limit reached
    guest_stopped = 76,   // guest halted for good, or triple fault with --no-reboot
};

}  // namespace bantam
