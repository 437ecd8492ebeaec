#include "scenario/console_maps.h"

#include <algorithm>

#include "devices/code_page_437.h"

namespace bantam::scenario {
namespace {

constexpr unsigned kDirectories = 32, kRows = 32, kRowCharacters = 64;
constexpr u64 kGiB = u64{1} << 30;
constexpr u64 kAlignment = 64;  // kmalloc's, of objects of this size
constexpr char16_t kUnknown = 0xFFFD;

/// Follows pointers of one size through the kernel's map of RAM.
class MapReader {
public:
    MapReader(const GuestRam& ram, unsigned pointer_bytes) : ram_(ram), bytes_(pointer_bytes) {}

    /// The table whose record is at `address`, if it is one.
    [[nodiscard]] std::optional<ConsoleMap> read(u64 address) {
        if (!directories_at(address)) return std::nullopt;
        const u64 first = pointer(address, 0);
        for (u64 physical = first % kGiB; physical < ram_.end(); physical += kGiB) {
            base_ = first - physical;
            if (ascii_at(physical)) return read_all(address);
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] u64 pointer(u64 table, unsigned number) const {
        return ram_.pointer(table + u64{number} * bytes_, bytes_);
    }
    /// Into the kernel's part of the address space.
    [[nodiscard]] bool plausible(u64 pointer) const {
        return pointer % bytes_ == 0 && pointer >> (8 * bytes_ - 1) != 0;
    }

    [[nodiscard]] bool directories_at(u64 address) const {
        const u64 first = pointer(address, 0);
        if (!plausible(first)) return false;
        for (unsigned i = 1; i < kDirectories; ++i) {
            const u64 directory = pointer(address, i);
            if (directory != 0 && (!plausible(directory) || directory == first)) return false;
        }
        return ram_.holds(address, u64{ConsoleMap::kWords} * bytes_);
    }

    /// Where the characters of a row have their glyphs; 0: nowhere in RAM.
    [[nodiscard]] u64 row_at(u64 directory, unsigned number) const {
        const u64 row = pointer(directory, number) - base_;
        return ram_.holds(row, 2 * kRowCharacters) ? row : 0;
    }

    [[nodiscard]] bool ascii_at(u64 directory) {
        const u64 digits = row_at(directory, 0), letters = row_at(directory, 1);
        const auto range = [&](u64 row, char first, char last) {
            for (char c = first; c <= last; ++c) {
                if (ram_.half(row + u64{2} * (static_cast<unsigned>(c) % kRowCharacters)) != c) return false;
            }
            return true;
        };
        if (digits == 0 || letters == 0 || !range(digits, '0', '9') || tries_ == kMostConsoleMapTries) return false;
        ++tries_;
        return range(letters, 'A', 'Z') && range(letters, 'a', 'z');
    }

    [[nodiscard]] std::optional<ConsoleMap> read_all(u64 address) const {
        ConsoleMap map{.address = address, .pointer_bytes = bytes_, .words = {}, .characters = {}};
        map.characters.fill(kUnknown);
        for (unsigned i = 0; i < ConsoleMap::kWords; ++i) map.words.at(i) = pointer(address, i);
        for (unsigned d = 0; d < kDirectories; ++d) {
            if (map.words.at(d) == 0) continue;
            const u64 directory = map.words.at(d) - base_;
            if (!ram_.holds(directory, u64{kRows} * bytes_)) return std::nullopt;
            for (unsigned r = 0; r < kRows; ++r) {
                if (pointer(directory, r) == 0) continue;
                const u64 row = row_at(directory, r);
                if (row == 0) return std::nullopt;
                for (unsigned c = 0; c < kRowCharacters; ++c)
                    add(map, ram_.half(row + u64{2} * c), (d * kRows + r) * kRowCharacters + c);
            }
        }
        return map;
    }

    /// Characters come by rising code. FFFFh stands for no glyph.
    static void add(ConsoleMap& map, unsigned glyph, unsigned code) {
        const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
        const bool no_character = code >= 0xD800 && code < 0xF900;  // surrogates and private use
        if (glyph >= map.characters.size() || control || no_character) return;
        char16_t& character = map.characters.at(glyph);
        const bool usual = glyph < devices::kCodePage437.size() && code == devices::kCodePage437.at(glyph);
        if (character == kUnknown || usual) character = static_cast<char16_t>(code);
    }

    const GuestRam& ram_;
    const unsigned bytes_;
    u64 base_ = 0;  // what pointers to RAM are above its addresses
    unsigned tries_ = 0;
};

}  // namespace

bool ConsoleMap::current(const GuestRam& ram) const {
    for (unsigned i = 0; i < kWords; ++i) {
        if (ram.pointer(address + u64{i} * pointer_bytes, pointer_bytes) != words.at(i)) return false;
    }
    return true;
}

std::vector<ConsoleMap> search_console_maps(const GuestRam& ram, u64 address, u64 bytes) {
    std::vector<ConsoleMap> maps;
    MapReader wide(ram, 8), narrow(ram, 4);
    for (u64 at = address; at < address + bytes && maps.size() < kMostConsoleMaps; at += kAlignment) {
        for (MapReader* reader : {&wide, &narrow}) {
            if (const std::optional<ConsoleMap> map = reader->read(at)) maps.push_back(*map);
        }
    }
    return maps;
}

char16_t character_of(std::span<const ConsoleMap> maps, unsigned glyph) {
    char16_t agreed = kUnknown;
    for (const ConsoleMap& map : maps) {
        const char16_t character = map.characters.at(glyph);
        if (character == kUnknown || character == agreed) continue;
        if (agreed != kUnknown) return kUnknown;
        agreed = character;
    }
    return agreed;
}

std::vector<ConsoleMap> find_console_maps(const PhysicalMemory& memory) {
    std::vector<ConsoleMap> maps;
    const GuestRam ram(memory);
    for (const PhysicalMemory::Stretch& stretch : memory.backed()) {
        const u64 begin = ram.address_of(stretch.begin);
        for (const ConsoleMap& map : search_console_maps(ram, begin, stretch.end - stretch.begin)) {
            if (maps.size() < kMostConsoleMaps) maps.push_back(map);
        }
    }
    return maps;
}

}  // namespace bantam::scenario
