#include "machine/image_writer.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "machine/png_parts.h"

namespace bantam {
namespace {

void put_row(std::vector<u8>& to, const devices::Frame& frame, unsigned y) {
    for (unsigned x = 0; x < frame.width; ++x) {
        const u32 pixel = frame.pixels[std::size_t{y} * frame.width + x];
        to.push_back(static_cast<u8>(pixel >> 16));
        to.push_back(static_cast<u8>(pixel >> 8));
        to.push_back(static_cast<u8>(pixel));
    }
}

bool ends_with(const std::string& text, std::string_view ending) {
    return text.size() >= ending.size() && text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

}  // namespace

std::vector<u8> encode_png(const devices::Frame& frame) {
    std::vector<u8> file = png::begin(frame.width, frame.height);
    png::put_chunk(file, "IDAT", png::packed_rows(frame));
    png::put_chunk(file, "IEND", {});
    return file;
}

std::vector<u8> encode_ppm(const devices::Frame& frame) {
    const std::string header = fmt::format("P6\n{} {}\n255\n", frame.width, frame.height);
    std::vector<u8> file(header.begin(), header.end());
    for (unsigned y = 0; y < frame.height; ++y) put_row(file, frame, y);
    return file;
}

Result<void> write_picture(const devices::Frame& frame, const std::string& path) {
    if (ends_with(path, ".png")) return write_file(path, encode_png(frame));
    if (ends_with(path, ".ppm")) return write_file(path, encode_ppm(frame));
    return Error{ExitStatus::usage, fmt::format("'{}' must end in .png or .ppm, which chooses the format", path)};
}

Result<void> write_file(const std::string& path, std::span<const u8> bytes) {
    const bool to_stdout = path == "-";
    std::FILE* file = to_stdout ? stdout : std::fopen(path.c_str(), "wb");
    bool good = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
    if (file != nullptr) good = (to_stdout ? std::fflush(file) : std::fclose(file)) == 0 && good;
    if (good) return {};
    return Error{
        ExitStatus::host_resource,
        fmt::format("cannot write {}: {}", to_stdout ? "standard output" : "'" + path + "'", std::strerror(errno))};
}

Result<void> write_file(const std::string& path, std::string_view text) {
    return write_file(path, std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
}

}  // namespace bantam
