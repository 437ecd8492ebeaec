// Fuzz target: scenario files. Any text is either refused with a message that names a line, or gives steps. The input
// is several files, each ended by a zero byte, which call each other 0, 1, 2, ... in include and wait-picture.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "frontend/scenario_file.h"
#include "frontend/values.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace bantam;
    using namespace bantam::frontend;
    std::vector<std::string> files(1);
    for (const char c : std::string_view(reinterpret_cast<const char*>(data), size)) {
        if (c != 0) {
            files.back() += c;
        } else if (files.size() < 8) {
            files.emplace_back();
        }
    }
    const auto file = [&](const std::string& path, std::size_t) -> Result<std::string> {
        const auto index = parse_number(path);
        if (!index || *index >= files.size()) return Error{ExitStatus::bad_input, "there is no " + path};
        return files[*index];
    };
    const auto read = read_scenario_text(files.front(), "0", file);
    if (read) {
        std::size_t steps = read.value().steps.size();
        CHECK(steps != 0);
        for (const auto& step : read.value().steps) {
            CHECK(step.action != scenario::Action::expect_refusal || read.value().steps.size() == 1);
            CHECK(step.repeated < steps--);
        }
    } else {
        CHECK(!read.error().message.empty());
    }
    return 0;
}
