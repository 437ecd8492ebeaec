// Fuzz target: scenario files. Any text is either refused with a message that names a line, or gives steps.
#include <cstddef>
#include <string_view>

#include "base/check.h"
#include "frontend/scenario_file.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace bantam::frontend;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = read_scenario_text(text, "fuzz");
    if (read) {
        CHECK(!read.value().steps.empty());
    } else {
        CHECK(read.error().message.starts_with("fuzz"));
    }
    return 0;
}
