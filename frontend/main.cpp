// bantam: the program. Turns the command line into one command and errors into a message and an exit status.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "frontend/command_line.h"
#include "frontend/commands.h"
#include "frontend/machine_file.h"
#include "frontend/manual.h"
#include "frontend/signals.h"
#include "frontend/version.h"

namespace bantam::frontend {
namespace {

int fail(const Error& error) {
    // Not fmt::print, which throws where standard error cannot be written.
    std::fputs(fmt::format("bantam: {}\n", error.message).c_str(), stderr);
    return static_cast<int>(error.status);
}

Result<int> execute(const CommandLine& line) {
    if (line.generated != Generated::nothing) {
        fmt::print("{}", line.generated == Generated::manual ? manual_page() : bash_completion());
        return 0;
    }
    switch (line.command) {
        case Command::version:
            fmt::print("bantam {}\n", kVersion);
            return 0;
        case Command::help:
            fmt::print("{}", help_text(line.help_topic));
            return 0;
        case Command::doctor:
            return run_doctor();
        case Command::disassemble: {
            const Result<void> shown = run_disassemble(line.settings.disassemble);
            if (!shown) return shown.error();
            return 0;
        }
        case Command::ctl: {
            const Result<void> controlled = run_control(line.settings.control);
            if (!controlled) return controlled.error();
            return 0;
        }
        case Command::test:
            return run_tests(line.settings.test);
        case Command::run:
            break;
    }
    if (line.settings.print_config) {
        fmt::print("{}", print_machine_text(line.settings));
        return 0;
    }
    log::set_level(line.settings.log_level);
    return run_machine(line.settings);
}

/// Whoever started the process may have closed a standard stream; its number must not go to an image or a socket, where
/// messages would end up.
void reserve_standard_streams() {
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) ::close(fd);
}

int main_with(std::vector<std::string> arguments) {
    reserve_standard_streams();
    if (arguments.empty() && display_is_named()) {
        SignalWatch::block();  // for the threads that SDL may start
        const Result<std::unique_ptr<Screen>> screen = open_screen();
        if (screen) {
            const Result<int> status = run_start_screen(*screen.value());
            return status ? status.value() : fail(status.error());
        }
        fail(screen.error());  // and what is said without a display
    }
    const Result<CommandLine> line = parse_command_line(std::move(arguments));
    if (!line) return fail(line.error());
    const Result<int> status = execute(line.value());
    if (status && std::fflush(stdout) != 0)
        return fail({ExitStatus::host_resource, fmt::format("cannot write the output: {}", std::strerror(errno))});
    return status ? status.value() : fail(status.error());
}

}  // namespace
}  // namespace bantam::frontend

int main(int argc, char** argv) {
    try {
        return bantam::frontend::main_with({argv + 1, argv + argc});
    } catch (const std::bad_alloc&) {
        return bantam::frontend::fail(
            {bantam::ExitStatus::host_resource, "the host has no memory left; give the guest less with --memory"});
    } catch (const std::system_error& error) {
        return bantam::frontend::fail({bantam::ExitStatus::host_resource, error.what()});
    } catch (const std::exception& error) {
        return bantam::frontend::fail(
            {bantam::ExitStatus::internal_error, fmt::format("internal error: {}", error.what())});
    }
}
