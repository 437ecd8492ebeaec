// `bantam test`: reads all scenarios, then runs each in a process of its own, -j at a time. A signal ends every machine
// in an orderly way, and what has run is reported.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <map>
#include <set>

#include "frontend/commands.h"
#include "frontend/gdb/packets.h"
#include "frontend/gdb/stub.h"
#include "frontend/scenario_file.h"
#include "frontend/signals.h"
#include "frontend/talk_line.h"
#include "frontend/test_report.h"
#include "machine/host/host_io.h"
#include "machine/image_writer.h"
#include "scenario/runner.h"

namespace bantam::frontend {
namespace {

constexpr char kSeparator = '\0';  // between what a child reports: passed, failure, text

TestResult failed(const std::string& name, const std::string& cause) {
    return {.name = name, .passed = false, .failure = cause, .text = fmt::format("FAILED  {}\n  {}\n", name, cause)};
}

/// Waits for gdb at a failure.
class FailureStop {
public:
    explicit FailureStop(GdbConfig config) : config_(std::move(config)) {}

    /// On the machine's thread, which stands.
    void stopped(Machine& machine, const scenario::Report& report) {
        fmt::print(stderr, "bantam: stopped at the failure after {} ns of guest time: {}\n", report.guest_ns,
                   report.failure);
        Result<std::unique_ptr<GdbLine>> line =
            GdbLine::open(config_.line, 1, machine, [&machine, bits = config_.bits](auto output) {
                return std::make_shared<gdb::Stub>(machine, std::move(output), bits);
            });
        if (!line) {
            fmt::print(stderr, "bantam: {}\n", line.error().message);
            return machine.quit();
        }
        line_ = std::move(line.value());
        fmt::print(stderr, "bantam: gdb may come, to {}; Ctrl-C ends the run\n", control_text(config_.line));
    }

private:
    using GdbLine = TalkLine<gdb::Stub, gdb::PacketReader>;
    GdbConfig config_;
    std::unique_ptr<GdbLine> line_;
};

/// No machine can be built: that fails the scenario, unless it is there to show it.
Result<TestResult> refused(const scenario::Scenario& scenario, const Error& error) {
    const scenario::Step& step = scenario.steps.front();
    if (step.action != scenario::Action::expect_refusal || !step.expression->end_of_match(error.message)) return error;
    scenario::Report report;
    report.passed = true;
    return describe(scenario, report);
}

Result<TestResult> run_one(const scenario::Scenario& scenario, const std::string& folder, const TestOptions& options) {
    std::unique_ptr<FailureStop> stop;
    scenario::Runner::Options with{.artifacts = folder, .film = options.film, .stopped_at_failure = nullptr};
    Machine* stopped = nullptr;
    if (options.stop_at_failure) {
        stop = std::make_unique<FailureStop>(options.gdb);
        with.stopped_at_failure = [&](const scenario::Report& report) { stop->stopped(*stopped, report); };
    }
    Result<std::unique_ptr<scenario::Runner>> runner = scenario::Runner::create(scenario, std::move(with));
    if (!runner) return refused(scenario, runner.error());
    Machine& machine = runner.value()->machine();
    stopped = &machine;
    const SignalWatch signals(machine);
    const scenario::Report report = runner.value()->run();
    stop.reset();
    if (!folder.empty()) {
        if (const Result<void> written = write_artifacts(folder, scenario, report, machine); !written)
            return written.error();
    }
    return describe(scenario, report);
}

struct Child {
    const scenario::Scenario* scenario;
    std::FILE* report;
    u64 started_ns;
};

/// In the child: never returns.
[[noreturn]] void run_child(const scenario::Scenario& scenario, const std::string& folder, const TestOptions& options,
                            std::FILE* report) {
    ::setpgid(0, 0);  // Ctrl-C reaches the parent, which passes it on
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    TestResult result;
    try {
        Result<TestResult> run = run_one(scenario, folder, options);
        result = run ? run.value() : failed(scenario.name, run.error().message);
    } catch (const std::exception& error) {
        result = failed(scenario.name, error.what());
    }
    const std::string text =
        std::string(result.passed ? "1" : "0") + kSeparator + result.failure + kSeparator + result.text;
    const bool written = std::fwrite(text.data(), 1, text.size(), report) == text.size() && std::fflush(report) == 0;
    ::_exit(written ? 0 : 1);
}

TestResult collect(const Child& child, int status) {
    std::string text;
    std::rewind(child.report);
    for (int c = std::fgetc(child.report); c != EOF; c = std::fgetc(child.report)) text += static_cast<char>(c);
    std::fclose(child.report);
    const std::size_t first = text.find(kSeparator);
    const std::size_t second = first == text.npos ? text.npos : text.find(kSeparator, first + 1);
    TestResult result;
    if (status != 0 || second == text.npos) {
        result = failed(child.scenario->name, WIFSIGNALED(status)
                                                  ? fmt::format("its process died of signal {}", WTERMSIG(status))
                                                  : std::string("its process ended without a report"));
    } else {
        result = {.name = child.scenario->name,
                  .passed = text[0] == '1',
                  .failure = text.substr(first + 1, second - first - 1),
                  .text = text.substr(second + 1)};
    }
    result.seconds = static_cast<double>(host::monotonic_ns() - child.started_ns) / 1e9;
    return result;
}

class Pool {
public:
    Pool(const std::vector<scenario::Scenario>& scenarios, const TestOptions& options)
        : scenarios_(scenarios), options_(options) {}

    Result<std::vector<TestResult>> run() {
        sigset_t signals;
        sigemptyset(&signals);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
        sigprocmask(SIG_BLOCK, &signals, nullptr);
        std::signal(SIGPIPE, SIG_IGN);
        Result<void> started;
        while (true) {
            while (started && !interrupted_ && next_ < scenarios_.size() && children_.size() < options_.jobs)
                started = start(scenarios_[next_++]);
            if (children_.empty()) break;
            siginfo_t info{};
            const int signal = sigwaitinfo(&signals, &info);
            if (signal == SIGCHLD) {
                reap();
            } else if (signal > 0 && !interrupted_) {  // a second one would end the children at once, without a report
                interrupted_ = true;
                for (const auto& [pid, child] : children_) ::kill(pid, SIGTERM);
            }
        }
        if (!started) return started.error();
        for (; next_ < scenarios_.size(); ++next_)
            results_.push_back(failed(scenarios_[next_].name, "not started: the run was interrupted"));
        return std::move(results_);
    }

private:
    Result<void> start(const scenario::Scenario& scenario) {
        std::string folder;
        if (!options_.artifacts.empty()) {
            folder = options_.artifacts + "/" + scenario.name;
            std::error_code error;
            std::filesystem::create_directories(folder, error);
            if (error)
                return Error{ExitStatus::host_resource, fmt::format("cannot make {}: {}", folder, error.message())};
        }
        std::FILE* report = std::tmpfile();
        if (report == nullptr)
            return Error{ExitStatus::host_resource, fmt::format("cannot make a file: {}", std::strerror(errno))};
        std::fflush(stdout);
        const u64 now = host::monotonic_ns();
        const pid_t pid = ::fork();
        if (pid == 0) run_child(scenario, folder, options_, report);
        if (pid < 0) {
            std::fclose(report);
            return Error{ExitStatus::host_resource, fmt::format("cannot start a process: {}", std::strerror(errno))};
        }
        children_[pid] = {&scenario, report, now};
        return {};
    }

    void reap() {
        int status = 0;
        for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
            const auto found = children_.find(pid);
            if (found == children_.end()) continue;
            results_.push_back(collect(found->second, status));
            children_.erase(found);
            std::fputs(results_.back().text.c_str(), stdout);
            std::fflush(stdout);
        }
    }

    const std::vector<scenario::Scenario>& scenarios_;
    const TestOptions& options_;
    std::map<pid_t, Child> children_;
    std::vector<TestResult> results_;
    std::size_t next_ = 0;
    bool interrupted_ = false;
};

}  // namespace

Result<int> run_tests(const TestOptions& options) {
    std::vector<scenario::Scenario> scenarios;
    std::set<std::string> names;
    for (const std::string& path : options.scenarios) {
        Result<scenario::Scenario> read = read_scenario_file(path);
        if (!read) return read.error();
        if (!names.insert(read.value().name).second)
            return Error{ExitStatus::usage,
                         fmt::format("{}: there are two scenarios called '{}'", path, read.value().name)};
        if (options.engine) read.value().machine.engine = *options.engine;
        if (options.stop_at_failure) read.value().machine.wall_limit_ns.reset();  // who looks at it takes their time
        scenarios.push_back(std::move(read.value()));
    }
    const Result<std::vector<TestResult>> results = Pool(scenarios, options).run();
    if (!results) return results.error();
    const auto passed = std::count_if(results.value().begin(), results.value().end(),
                                      [](const TestResult& result) { return result.passed; });
    const auto all = static_cast<std::ptrdiff_t>(results.value().size());
    fmt::print("{} passed, {} failed\n", passed, all - passed);
    if (!options.junit.empty()) {
        const Result<void> written = write_file(options.junit, junit_xml(results.value()));
        if (!written) return written.error();
    }
    return passed == all ? 0 : 1;
}

}  // namespace bantam::frontend
