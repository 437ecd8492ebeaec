#include "scenario/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "machine/image_writer.h"

namespace bantam::scenario {

Result<void> write_artifacts(const std::string& folder, const Scenario& scenario, const Report& report,
                             Machine& machine) {
    std::vector<std::pair<std::string, std::string>> files{
        {"trace.txt", fmt::format("{}\n", fmt::join(report.trace, "\n"))},
        {"screen.txt", report.screen + "\n"},
        {"machine.toml", scenario.machine_text}};
    for (std::size_t i = 0; i < report.serials.size(); ++i)
        files.emplace_back(fmt::format("serial{}.log", i + 1), report.serials[i]);
    for (const auto& [name, text] : files) {
        if (Result<void> written = write_file(folder + "/" + name, text); !written) return written;
    }
    if (!report.film.empty()) {
        if (Result<void> written = write_file(folder + "/film.png", report.film); !written) return written;
    }
    return machine.screendump(folder + "/screen.png");
}

}  // namespace bantam::scenario
