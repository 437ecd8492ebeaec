#include "scenario/recognition.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "machine/image_writer.h"
#include "scenario/host_command.h"

namespace bantam::scenario {
namespace {

constexpr u64 kLimit_ns = 60'000'000'000;
// tesseract wants letters some thirty dots high; those of screens have about ten.
constexpr unsigned kScale = 3;

devices::Frame scaled(const devices::Frame& frame) {
    devices::Frame large{.width = frame.width * kScale, .height = frame.height * kScale, .pixels = {}};
    large.pixels.reserve(std::size_t{large.width} * large.height);
    for (unsigned y = 0; y < large.height; ++y) {
        const u32* row = &frame.pixels[std::size_t{y / kScale} * frame.width];
        for (unsigned x = 0; x < large.width; ++x) large.pixels.push_back(row[x / kScale]);
    }
    return large;
}

}  // namespace

Result<void> find_recognition() {
    std::string output;
    const HostCommand command{.text = "command -v tesseract", .folder = "/", .variables = {}, .limit_ns = kLimit_ns};
    if (run_host_command(
            command, [] { return false; }, output))
        return {};
    return Error{ExitStatus::host_resource,
                 "a step with 'ocr' needs the program tesseract, which is not on PATH; install the Debian package "
                 "tesseract-ocr, or leave 'ocr' out"};
}

Result<std::string> recognise(const devices::Frame& frame, const std::string& folder,
                              const std::function<bool()>& interrupted) {
    if (Result<void> written = write_picture(scaled(frame), folder + "/ocr.png"); !written) return written.error();
    // Sparse text: a screen is no page. One thread: the host may be busy.
    const HostCommand command{.text = "exec tesseract ocr.png ocr --psm 11",
                              .folder = folder,
                              .variables = {{"OMP_THREAD_LIMIT", "1"}},
                              .limit_ns = kLimit_ns};
    std::string output;
    if (const Result<void> run = run_host_command(command, interrupted, output); !run)
        return Error{ExitStatus::host_resource, fmt::format("tesseract: {}", run.error().message)};
    std::ifstream file(folder + "/ocr.txt", std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (file.bad() || !file.is_open())
        return Error{ExitStatus::host_resource, fmt::format("cannot read {}/ocr.txt", folder)};
    return text;
}

}  // namespace bantam::scenario
