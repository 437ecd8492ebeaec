#include "frontend/test_report.h"

#include <fmt/format.h>

namespace bantam::frontend {
namespace {

constexpr std::size_t kLastSteps = 8;

/// Text for XML 1.0, which has no control characters but tab and line ends.
std::string xml(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '<') {
            escaped += "&lt;";
        } else if (c == '>') {
            escaped += "&gt;";
        } else if (c == '&') {
            escaped += "&amp;";
        } else if (c == '"') {
            escaped += "&quot;";
        } else if (static_cast<unsigned char>(c) >= ' ' || c == '\t' || c == '\n') {
            escaped += c;
        } else {
            escaped += '?';
        }
    }
    return escaped;
}

}  // namespace

TestResult describe(const scenario::Scenario& scenario, const scenario::Report& report) {
    TestResult result{.name = scenario.name, .passed = report.passed, .failure = report.failure, .text = {}};
    const double guest = static_cast<double>(report.guest_ns) / 1e9;
    if (report.passed) {
        result.text =
            fmt::format("passed  {} ({} steps, {:.1f} s of guest time)\n", scenario.name, scenario.steps.size(), guest);
        return result;
    }
    result.text = fmt::format("FAILED  {} (after {:.3f} s of guest time)\n  {}\n  last steps:\n", scenario.name, guest,
                              report.failure);
    const std::size_t first = report.trace.size() - std::min(report.trace.size(), kLastSteps);
    for (std::size_t i = first; i < report.trace.size(); ++i) result.text += "    " + report.trace[i] + "\n";
    result.text += fmt::format("  screen ({}):\n", report.screen_source);
    for (std::size_t at = 0; at < report.screen.size();) {
        const std::size_t end = std::min(report.screen.find('\n', at), report.screen.size());
        result.text += "    |" + report.screen.substr(at, end - at) + "\n";
        at = end + 1;
    }
    return result;
}

std::string junit_xml(const std::vector<TestResult>& results) {
    std::size_t failures = 0;
    double seconds = 0;
    std::string cases;
    for (const TestResult& result : results) {
        failures += result.passed ? 0 : 1;
        seconds += result.seconds;
        cases += fmt::format("  <testcase classname=\"bantam\" name=\"{}\" time=\"{:.3f}\">\n", xml(result.name),
                             result.seconds);
        if (!result.passed)
            cases += fmt::format("    <failure message=\"{}\">{}</failure>\n", xml(result.failure), xml(result.text));
        cases += "  </testcase>\n";
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"bantam\" tests=\"{}\" failures=\"{}\" "
        "time=\"{:.3f}\">\n{}</testsuite>\n",
        results.size(), failures, seconds, cases);
}

}  // namespace bantam::frontend
