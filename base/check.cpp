#include "base/check.h"

#include <cstdio>
#include <cstdlib>

#include "base/exit_status.h"

namespace bantam {
namespace {
void (*crash_reporter)() = nullptr;
}

void set_crash_reporter(void (*reporter)()) { crash_reporter = reporter; }

void check_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "bantam: internal error: %s (%s:%d)\n", expression, file, line);
    if (void (*reporter)() = crash_reporter) {
        crash_reporter = nullptr;
        reporter();
    }
    std::fflush(nullptr);
    std::_Exit(static_cast<int>(ExitStatus::internal_error));
}

}  // namespace bantam
