// `bantam disassemble`: a linear sweep through a file by the decoder's table. Bytes that are no instruction are shown
// as "(bad)", one at a time.
#include "cpu/isa/disassemble.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

#include "frontend/commands.h"
#include "frontend/examine.h"

namespace bantam::frontend {
namespace {

constexpr u64 kLargest = u64{1} << 30;  // bytes read at once; a longer stretch of code takes several commands

/// The same part of standard input, which may be a pipe: read to its end, or to the end of the part.
Result<std::vector<u8>> read_part_of_input(u64 offset, std::optional<u64> length) {
    const auto failed = [&](std::string_view cause) {
        return Error{ExitStatus::bad_input, fmt::format("cannot read standard input: {}", cause)};
    };
    std::vector<u8> bytes;
    u64 skipped = 0;
    std::array<u8, 65536> chunk{};
    while (bytes.size() < length.value_or(kLargest + 1)) {
        const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), stdin);
        if (std::ferror(stdin) != 0) return failed(std::strerror(errno));
        if (got == 0) break;
        const u64 skip = std::min<u64>(offset - skipped, got);
        skipped += skip;
        const u64 taken =
            std::min<u64>(got - skip, length.value_or(got) - std::min(length.value_or(got), bytes.size()));
        bytes.insert(bytes.end(), chunk.data() + skip, chunk.data() + skip + taken);
    }
    if (bytes.empty()) return failed(fmt::format("--offset {} is beyond its end ({} bytes)", offset, skipped));
    if (bytes.size() > kLargest) return failed("there is more than 1G: give --length");
    return bytes;
}

Result<std::vector<u8>> read_part(const std::string& path, u64 offset, std::optional<u64> length) {
    const auto failed = [&](std::string_view cause) {
        return Error{ExitStatus::bad_input, fmt::format("cannot read {}: {}", path, cause)};
    };
    if (path == "-") return read_part_of_input(offset, length);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return failed(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return failed("it is not an ordinary file");
    const u64 size = static_cast<u64>(status.st_size);
    if (offset >= size) return failed(fmt::format("--offset {} is beyond its end ({} bytes)", offset, size));
    const u64 wanted = std::min(length.value_or(size - offset), size - offset);
    if (wanted > kLargest) return failed("the stretch is larger than 1G: give --offset and --length");
    std::ifstream file(path, std::ios::binary);
    if (!file) return failed(std::strerror(errno));
    std::vector<u8> bytes(wanted);
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(wanted));
    if (static_cast<u64>(file.gcount()) != wanted) return failed("it ended early");
    return bytes;
}

}  // namespace

Result<void> run_disassemble(const DisassembleOptions& options) {
    const Result<std::vector<u8>> part = read_part(options.file, options.offset, options.length);
    if (!part) return part.error();
    const isa::CodeSize size = options.bits == 16   ? isa::CodeSize::bits16
                               : options.bits == 32 ? isa::CodeSize::bits32
                                                    : isa::CodeSize::bits64;
    std::span<const u8> rest = part.value();
    u64 address = options.base.value_or(options.offset);
    while (!rest.empty()) {
        const DisassembledLine line = disassemble_line(rest, address, {.code_size = size});
        fmt::print("{:>8x}:  {}\n", address, line.text);
        rest = rest.subspan(line.length);
        address += line.length;
    }
    return {};
}

}  // namespace bantam::frontend
