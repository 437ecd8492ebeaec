#include "tests/vectors/moo.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstring>
#include <span>

namespace bantam::vectors {
namespace {

using Bytes = std::span<const u8>;

/// A cursor that never reads beyond its bytes: short files give zeros and set `bad`.
struct Cursor {
    Bytes bytes;
    bool bad = false;

    template <class T>
    T take() {
        T value{};
        if (bytes.size() < sizeof(T)) {
            bad = true;
            bytes = {};
            return value;
        }
        std::memcpy(&value, bytes.data(), sizeof(T));
        bytes = bytes.subspan(sizeof(T));
        return value;
    }
    Bytes take_bytes(std::size_t count) {
        if (bytes.size() < count) {
            bad = true;
            count = bytes.size();
        }
        const Bytes taken = bytes.first(count);
        bytes = bytes.subspan(count);
        return taken;
    }
    std::string tag() {
        const Bytes taken = take_bytes(4);
        return {taken.begin(), taken.end()};
    }
};

Result<std::vector<u8>> inflate_file(const std::string& path) {
    const gzFile file = gzopen(path.c_str(), "rb");
    if (file == nullptr) return Error{ExitStatus::bad_input, fmt::format("{}: cannot open", path)};
    std::vector<u8> content;
    std::array<u8, 65536> buffer;
    int count = 0;
    while ((count = gzread(file, buffer.data(), buffer.size())) > 0) {
        content.insert(content.end(), buffer.begin(), buffer.begin() + count);
    }
    gzclose(file);
    if (count < 0) return Error{ExitStatus::bad_input, fmt::format("{}: damaged gzip data", path)};
    return content;
}

void read_registers(Cursor cursor, std::array<std::optional<u16>, kRegisterCount>& registers, bool& bad) {
    const u16 present = cursor.take<u16>();
    for (unsigned reg = 0; reg < kRegisterCount; ++reg) {
        if ((present >> reg & 1u) != 0) registers[reg] = cursor.take<u16>();
    }
    bad |= cursor.bad;
}

void read_mask(Cursor cursor, std::array<u16, kRegisterCount>& mask, bool& bad) {
    std::array<std::optional<u16>, kRegisterCount> values;
    read_registers(cursor, values, bad);
    for (unsigned reg = 0; reg < kRegisterCount; ++reg) {
        if (values[reg]) mask[reg] = *values[reg];
    }
}

void read_snapshot(Cursor cursor, Snapshot& snapshot, std::array<u16, kRegisterCount>& mask, bool& bad) {
    while (!cursor.bytes.empty() && !cursor.bad) {
        const std::string tag = cursor.tag();
        Cursor body{cursor.take_bytes(cursor.take<u32>())};
        if (tag == "REGS") {
            read_registers(body, snapshot.registers, bad);
        } else if (tag == "RMSK") {
            read_mask(body, mask, bad);
        } else if (tag == "RAM ") {
            const u32 count = body.take<u32>();
            for (u32 at = 0; at < count && !body.bad; ++at) {
                const u32 address = body.take<u32>();
                snapshot.memory.push_back({address, body.take<u8>()});
            }
            bad |= body.bad;
        }
    }
    bad |= cursor.bad;
}

Test read_test(Cursor cursor, const std::array<u16, kRegisterCount>& file_mask, bool& bad) {
    Test test;
    test.mask = file_mask;
    test.index = cursor.take<u32>();
    while (!cursor.bytes.empty() && !cursor.bad) {
        const std::string tag = cursor.tag();
        Cursor body{cursor.take_bytes(cursor.take<u32>())};
        if (tag == "BYTS") {
            const Bytes bytes = body.take_bytes(body.take<u32>());
            test.bytes.assign(bytes.begin(), bytes.end());
        } else if (tag == "INIT") {
            read_snapshot(body, test.before, test.mask, bad);
        } else if (tag == "FINA") {
            read_snapshot(body, test.after, test.mask, bad);
        } else if (tag == "EXCP") {
            // The address of the pushed flags follows, but rounded down to a word: the test computes it.
            test.exception = PushedException{body.take<u8>()};
        }
        bad |= body.bad;
    }
    bad |= cursor.bad;
    return test;
}

}  // namespace

Result<std::vector<Test>> read_moo(const std::string& path) {
    const auto content = inflate_file(path);
    if (!content) return content.error();
    Cursor cursor{content.value()};
    std::array<u16, kRegisterCount> mask;
    mask.fill(0xFFFF);
    std::vector<Test> tests;
    bool bad = false;
    while (!cursor.bytes.empty() && !cursor.bad && !bad) {
        const std::string tag = cursor.tag();
        const Bytes body = cursor.take_bytes(cursor.take<u32>());
        if (tag == "RMSK") read_mask({body}, mask, bad);
        if (tag == "TEST") tests.push_back(read_test({body}, mask, bad));
    }
    if (bad || cursor.bad || tests.empty()) {
        return Error{ExitStatus::bad_input, fmt::format("{}: not a complete MOO file", path)};
    }
    return tests;
}

}  // namespace bantam::vectors
