// Fuzz target: lines of the monitor. Whatever is asked, the answer is whole lines. Commands that touch files are not
// let through. The machine does not run: what code does with odd registers is the target translator's.
#include "frontend/monitor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "frontend/values.h"
#include "tests/fuzz/control_machine.h"

namespace {

using namespace bantam;

bool touches_files(std::string_view line) {
    constexpr std::array<std::string_view, 3> kCommands{"screendump", "pmemsave", "change"};
    const auto words = frontend::split_words(line);
    if (words.empty()) return false;
    const std::string name = words.front().substr(0, words.front().find('/'));
    return std::find(kCommands.begin(), kCommands.end(), name) != kCommands.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const std::unique_ptr<Machine> machine = make_control_machine();
    std::string_view input(reinterpret_cast<const char*>(data), size);
    while (!input.empty()) {
        const std::size_t end = std::min(input.find('\n'), input.size());
        const std::string_view line = input.substr(0, end);
        input.remove_prefix(std::min(end + 1, input.size()));
        if (touches_files(line)) continue;
        const std::string answer = frontend::execute_monitor_line(*machine, line).text;
        CHECK(answer.empty() || answer.back() == '\n');
    }
    return 0;
}
