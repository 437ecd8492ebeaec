// Fuzz target: MACHINE.toml. Any text is either refused with a message or gives settings that print and load
// identically.
#include <cstddef>
#include <string_view>

#include "base/check.h"
#include "frontend/machine_file.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace bantam::frontend;
    Settings settings;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto read = read_machine_text(text, "fuzz", settings); !read) {
        CHECK(!read.error().message.empty());
        return 0;
    }
    const std::string printed = print_machine_text(settings);
    Settings again;
    const auto reread = read_machine_text(printed, "printed", again);
    CHECK(reread.ok());
    CHECK(print_machine_text(again) == printed);
    return 0;
}
