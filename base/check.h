// CHECK: a broken invariant of ours ends the process with a message and status 70; guests never trip one.
#pragma once

namespace bantam {

/// Prints `expression` with its place to stderr, runs the crash reporter if one is installed, and exits with status 70.
[[noreturn]] void check_failed(const char* expression, const char* file, int line);

/// Called once by check_failed before the process ends, to print machine state. May be null.
void set_crash_reporter(void (*reporter)());

}  // namespace bantam

#define CHECK(condition) ((condition) ? static_cast<void>(0) : ::bantam::check_failed(#condition, __FILE__, __LINE__))
