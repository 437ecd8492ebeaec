#include "scenario/host_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "machine/host/host_io.h"

namespace bantam::scenario {
namespace {

constexpr int kLook_ms = 50;  // between two looks at limit and interruption

Error error(const std::string& message) { return {ExitStatus::host_resource, message}; }

/// Both ends of a pipe, closed at the end.
struct Pipe {
    std::array<int, 2> ends{-1, -1};
    Pipe() = default;
    ~Pipe() {
        for (const int end : ends) {
            if (end >= 0) ::close(end);
        }
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close_writing() { ::close(std::exchange(ends[1], -1)); }
};

/// The shell in a process group of its own, with the signals that this process blocks or ignores as programs expect
/// them.
Result<pid_t> start(const HostCommand& command, const Pipe& pipe) {
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, pipe.ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, pipe.ends[1], STDERR_FILENO);
    ::posix_spawn_file_actions_addchdir_np(&files, command.folder.c_str());
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

    std::vector<std::string> texts;
    for (char** variable = environ; *variable != nullptr; ++variable) texts.emplace_back(*variable);
    for (const auto& [name, value] : command.variables) {
        std::erase_if(texts, [&, n = name](const std::string& text) { return text.starts_with(n + "="); });
        texts.push_back(fmt::format("{}={}", name, value));
    }
    std::vector<char*> environment;
    for (std::string& text : texts) environment.push_back(text.data());
    environment.push_back(nullptr);
    std::string shell = "/bin/sh", option = "-c", text = command.text;
    std::array<char*, 4> arguments{shell.data(), option.data(), text.data(), nullptr};
    pid_t pid = 0;
    const int failed = ::posix_spawn(&pid, shell.c_str(), &files, &attributes, arguments.data(), environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0) return error(fmt::format("cannot start /bin/sh: {}", std::strerror(failed)));
    return pid;
}

/// What is there now; false: nobody writes any more.
bool take_output(int fd, std::string& output) {
    std::array<char, 4096> part;
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got > 0) output.append(part.data(), std::min(static_cast<std::size_t>(got), kMostOutput - output.size()));
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

std::string last_lines(const std::string& output) {
    constexpr std::size_t kMost = 400;
    const std::string_view text = std::string_view(output).substr(output.size() - std::min(output.size(), kMost));
    return text.empty() ? "" : fmt::format("; it wrote: {}", text);
}

}  // namespace

Result<void> run_host_command(const HostCommand& command, const std::function<bool()>& interrupted,
                              std::string& output) {
    Pipe pipe;
    if (::pipe2(pipe.ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        return error(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    ::fcntl(pipe.ends[1], F_SETFL, 0);  // the command's end waits for room
    const u64 start_ns = host::monotonic_ns();
    const Result<pid_t> started = start(command, pipe);
    if (!started) return started.error();
    pipe.close_writing();
    const pid_t pid = started.value();
    bool late = false, stopped = false, open = true, ended = false;
    int status = 0;
    while (!ended) {
        pollfd waiting{.fd = open ? pipe.ends[0] : -1, .events = POLLIN, .revents = 0};
        ::poll(&waiting, 1, kLook_ms);
        if (open && waiting.revents != 0) open = take_output(pipe.ends[0], output);
        ended = ::waitpid(pid, &status, WNOHANG) == pid;
        late = !ended && host::monotonic_ns() - start_ns >= command.limit_ns;
        stopped = !ended && interrupted();
        if (!late && !stopped) continue;
        ::kill(-pid, SIGKILL);
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        break;
    }
    // What it left in the pipe. Something it has started may hold the pipe open, and is not waited for.
    for (pollfd rest{.fd = pipe.ends[0], .events = POLLIN, .revents = 0};
         open && ::poll(&rest, 1, 0) > 0 && output.size() < kMostOutput;)
        open = take_output(pipe.ends[0], output);
    if (stopped) return error("interrupted");
    if (late)
        return error(fmt::format("not within {}.{:03} s of the host's time{}", command.limit_ns / 1'000'000'000,
                                 command.limit_ns / 1'000'000 % 1000, last_lines(output)));
    if (WIFSIGNALED(status)) return error(fmt::format("it died of signal {}{}", WTERMSIG(status), last_lines(output)));
    if (WEXITSTATUS(status) != 0)
        return error(fmt::format("its exit status is {}{}", WEXITSTATUS(status), last_lines(output)));
    return {};
}

}  // namespace bantam::scenario
