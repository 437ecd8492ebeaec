#include "scenario/recognition.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "machine/image_writer.h"
#include "scenario/host_command.h"

namespace bantam::scenario {
namespace {

constexpr u64 kLimit_ns = 60'000'000'000;
// tesseract wants letters some thirty dots high; those of screens have about ten.
constexpr unsigned kScale = 3;

/// Between two dots of a line when it becomes kScale times as long.
struct Blend {
    unsigned first, second;
    unsigned share;  // of the second, in 1 / (2 * kScale)
};
std::vector<Blend> blends(unsigned length) {
    std::vector<Blend> all;
    for (unsigned i = 0; i < length * kScale; ++i) {
        const unsigned place =
            std::max(2 * i + 1, kScale) - kScale;  // of its middle, from the first dot's, in the same
        const unsigned first = place / (2 * kScale);
        all.push_back({first, std::min(first + 1, length - 1), place % (2 * kScale)});
    }
    return all;
}

u32 mixed(u32 first, u32 second, unsigned share) {
    u32 colour = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        const u32 a = first >> shift & 0xFF, b = second >> shift & 0xFF;
        colour |= (a * (2 * kScale - share) + b * share) / (2 * kScale) << shift;
    }
    return colour;
}

/// Bilinear: steps of dots would be taken for strokes.
devices::Frame scaled(const devices::Frame& frame) {
    devices::Frame large{.width = frame.width * kScale, .height = frame.height * kScale, .pixels = {}};
    large.pixels.reserve(std::size_t{large.width} * large.height);
    const std::vector<Blend> columns = blends(frame.width);
    std::vector<u32> row(frame.width);
    for (const Blend& y : blends(frame.height)) {
        for (unsigned x = 0; x < frame.width; ++x) {
            row[x] = mixed(frame.pixels[std::size_t{y.first} * frame.width + x],
                           frame.pixels[std::size_t{y.second} * frame.width + x], y.share);
        }
        for (const Blend& x : columns) large.pixels.push_back(mixed(row[x.first], row[x.second], x.share));
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
