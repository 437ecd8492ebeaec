// DecoderMap: the decoder's lookup tables, computed from the rows at compile time. Per opcode it is known which further
// properties of the encoding choose the row (the selectors); their values index a small array of cells. Two rows for
// one cell are a compile error; a cell without a row is an invalid encoding.
#pragma once

#include <array>

#include "base/types.h"
#include "cpu/isa/row.h"

namespace bantam::isa {

/// What a row may depend on beyond map and opcode, in the order in which cells are indexed.
enum Selector : u16 {
    kByPrefix = 1,
    kByMod = 2,
    kByReg = 4,
    kByRm = 8,
    kByLength = 16,
    kByW = 32,
    kByOperandSize = 64,
    kByAddressSize = 128,
    kByRexB = 256,
    kByMode = 512,
};

struct SelectorShape {
    u16 selector;
    u8 bits;  // width of its value
};
inline constexpr std::array<SelectorShape, 10> kSelectorShapes = {{
    {kByPrefix, 2},
    {kByMod, 1},
    {kByReg, 3},
    {kByRm, 3},
    {kByLength, 1},
    {kByW, 1},
    {kByOperandSize, 2},
    {kByAddressSize, 2},
    {kByRexB, 1},
    {kByMode, 1},
}};

struct OpcodeEntry {
    u16 first_cell = 0;
    u16 selectors = 0;
    bool has_modrm = false;
};

/// Opcode spaces: the four legacy maps, then the three VEX maps.
inline constexpr unsigned kSpaceCount = 7;
constexpr unsigned space_of(bool vex, unsigned map) { return vex ? map + 3 : map; }

inline constexpr std::size_t kCellCapacity = 16384;

/// Defined in table.cpp.
extern const Row* const kRowData;
extern const std::array<OpcodeEntry, kSpaceCount * 256> kOpcodes;
extern const std::array<u16, kCellCapacity> kCells;

}  // namespace bantam::isa
