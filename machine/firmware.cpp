#include "machine/firmware.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace bantam {
namespace {

constexpr const char* kSeaBios = "/usr/share/seabios/bios-256k.bin";
constexpr const char* kSeaVgaBios = "/usr/share/seabios/vgabios-isavga.bin";
constexpr u64 kBiosMax = u64{16} << 20;
constexpr u64 kBiosUnit = 4096;
constexpr u64 kVgaBiosMax = u64{64} << 10;

struct FileCloser {
    void operator()(std::FILE* file) const {
        if (file != stdin) std::fclose(file);
    }
};

Error unreadable(const std::string& path, const std::string& cause) {
    return {ExitStatus::bad_input, fmt::format("cannot read '{}': {}", path, cause)};
}

}  // namespace

Result<std::vector<u8>> read_input_file(const std::string& path, u64 limit) {
    const std::unique_ptr<std::FILE, FileCloser> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
    if (!file) return unreadable(path, std::strerror(errno));
    struct stat status {};
    if (::fstat(::fileno(file.get()), &status) == 0 && S_ISDIR(status.st_mode)) {
        return unreadable(path, "it is a directory");
    }
    std::vector<u8> contents;
    constexpr std::size_t kChunk = std::size_t{64} << 10;
    while (contents.size() <= limit) {
        const std::size_t before = contents.size();
        contents.resize(before + kChunk);
        const std::size_t count = std::fread(contents.data() + before, 1, kChunk, file.get());
        contents.resize(before + count);
        if (count < kChunk) break;
    }
    if (std::ferror(file.get()) != 0) return unreadable(path, std::strerror(errno));
    if (contents.size() > limit) return unreadable(path, fmt::format("it is larger than {} bytes", limit));
    if (contents.empty()) return unreadable(path, "it is empty");
    return contents;
}

Result<std::vector<u8>> load_bios(const std::string& name) {
    const bool packaged = name == "seabios";
    if (packaged && ::access(kSeaBios, R_OK) != 0) {
        return Error{
            ExitStatus::host_resource,
            fmt::format("firmware seabios not found at {}; install the package seabios, or give --firmware FILE or "
                        "--kernel FILE",
                        kSeaBios)};
    }
    const std::string path = packaged ? kSeaBios : name;
    Result<std::vector<u8>> image = read_input_file(path, kBiosMax);
    if (image && image.value().size() % kBiosUnit != 0) {
        return Error{ExitStatus::bad_input,
                     fmt::format("'{}' is no BIOS image: its size, {} bytes, is no multiple of {}", path,
                                 image.value().size(), kBiosUnit)};
    }
    return image;
}

Result<std::vector<u8>> load_vga_bios(const std::string& path) {
    if (path.empty() && ::access(kSeaVgaBios, R_OK) != 0) return std::vector<u8>{};
    const std::string file = path.empty() ? kSeaVgaBios : path;
    Result<std::vector<u8>> image = read_input_file(file, kVgaBiosMax);
    if (image && (image.value().size() < 3 || image.value()[0] != 0x55 || image.value()[1] != 0xAA)) {
        return Error{ExitStatus::bad_input,
                     fmt::format("'{}' is no VGA BIOS: it does not begin with the option ROM signature 55h AAh", file)};
    }
    return image;
}

}  // namespace bantam
