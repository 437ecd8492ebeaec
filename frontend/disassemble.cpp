// `bantam disassemble`: a linear sweep through a file by the decoder's table. Bytes that are no instruction are shown
// as "(bad)", one at a time.
#include "cpu/isa/disassemble.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
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

Result<std::vector<u8>> read_part(const std::string& path, u64 offset, std::optional<u64> length) {
    const auto failed = [&](std::string_view cause) {
        return Error{ExitStatus::bad_input, fmt::format("cannot read {}: {}", path, cause)};
    };
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
