// Joins the table's parts, parses them and builds the decoder's maps, all at compile time.
#include "cpu/isa/table.h"

#include "cpu/isa/decoder_map.h"
#include "cpu/isa/row_parser.h"
#include "cpu/isa/table_avx.h"
#include "cpu/isa/table_integer.h"
#include "cpu/isa/table_sse.h"
#include "cpu/isa/table_system.h"
#include "cpu/isa/table_x87.h"

namespace bantam::isa {

namespace {

constexpr std::size_t kRowCount = 1 + std::size(rows::kInteger) + std::size(rows::kSystem) + std::size(rows::kX87Rows) +
                                  std::size(rows::kSseRows) + std::size(rows::kAvxRows);
using Rows = std::array<Row, kRowCount>;

consteval Rows parse_all() {
    Rows result{};
    std::size_t next = 1;
    result[0].opcode_count = 0;
    for (const RowText& text : rows::kInteger) result.at(next++) = notation::parse(text);
    for (const RowText& text : rows::kSystem) result.at(next++) = notation::parse(text);
    for (const RowText& text : rows::kX87Rows) result.at(next++) = notation::parse(text);
    for (const RowText& text : rows::kSseRows) result.at(next++) = notation::parse(text);
    for (const RowText& text : rows::kAvxRows) result.at(next++) = notation::parse(text);
    return result;
}

constexpr Rows kRows = parse_all();

constexpr u8 allowed_values(const Row& row, u16 selector) {
    switch (selector) {
        case kByPrefix:
            return row.prefixes;
        case kByMod:
            return row.mod;
        case kByReg:
            return row.reg;
        case kByRm:
            return row.rm;
        case kByLength:
            return row.vector_length;
        case kByW:
            return row.w;
        case kByOperandSize:
            return row.operand_sizes;
        case kByAddressSize:
            return row.address_sizes;
        case kByRexB:
            return row.rex_b;
        default:
            return row.modes;
    }
}

/// The mask that means "any value" of `selector`.
constexpr u8 every_value(u16 selector) {
    switch (selector) {
        case kByPrefix:
            return 0xF;
        case kByReg:
        case kByRm:
            return 0xFF;
        case kByOperandSize:
        case kByAddressSize:
            return 7;
        default:
            return 3;
    }
}

struct Maps {
    std::array<OpcodeEntry, kSpaceCount * 256> opcodes{};
    std::array<u16, kCellCapacity> cells{};
    std::size_t cell_count = 0;
};

constexpr unsigned shape_bits(u16 selectors) {
    unsigned bits = 0;
    for (const SelectorShape& shape : kSelectorShapes) {
        if ((selectors & shape.selector) != 0) bits += shape.bits;
    }
    return bits;
}

/// Puts `index` into every cell of `entry` that its row covers.
constexpr void fill_cells(Maps& maps, const OpcodeEntry& entry, std::size_t index) {
    const unsigned count = 1u << shape_bits(entry.selectors);
    for (unsigned cell = 0; cell < count; ++cell) {
        unsigned rest = cell;
        bool covered = true;
        for (const SelectorShape& shape : kSelectorShapes) {
            if ((entry.selectors & shape.selector) == 0) continue;
            const unsigned value = rest & ((1u << shape.bits) - 1);
            rest >>= shape.bits;
            if (((allowed_values(kRows[index], shape.selector) >> value) & 1u) == 0) {
                covered = false;
                break;
            }
        }
        if (!covered) continue;
        u16& slot = maps.cells.at(entry.first_cell + cell);
        if (slot != 0) throw "two rows for one encoding";
        slot = static_cast<u16>(index);
    }
}

consteval Maps build_maps() {
    Maps maps;
    std::array<bool, kSpaceCount * 256> seen{};
    // First which selectors each opcode needs, then where its cells are, then the cells.
    for (const Row& row : kRows) {
        for (unsigned i = 0; i < row.opcode_count; ++i) {
            const std::size_t at = space_of(row.vex, row.map) * 256 + row.opcode + i;
            OpcodeEntry& entry = maps.opcodes.at(at);
            if (seen.at(at) && entry.has_modrm != row.has_modrm) throw "rows of one opcode disagree on ModRM";
            seen.at(at) = true;
            entry.has_modrm = row.has_modrm;
            for (const SelectorShape& shape : kSelectorShapes) {
                if (allowed_values(row, shape.selector) != every_value(shape.selector))
                    entry.selectors |= shape.selector;
            }
        }
    }
    std::size_t next_cell = 1;  // cell 0: an opcode without rows
    for (std::size_t at = 0; at < seen.size(); ++at) {
        if (!seen[at]) continue;
        maps.opcodes[at].first_cell = static_cast<u16>(next_cell);
        next_cell += std::size_t{1} << shape_bits(maps.opcodes[at].selectors);
    }
    maps.cell_count = next_cell;
    for (std::size_t index = 1; index < kRows.size(); ++index) {
        const Row& row = kRows[index];
        for (unsigned i = 0; i < row.opcode_count; ++i) {
            fill_cells(maps, maps.opcodes.at(space_of(row.vex, row.map) * 256 + row.opcode + i), index);
        }
    }
    return maps;
}

constexpr Maps kMaps = build_maps();
static_assert(kMaps.cell_count <= kCellCapacity);

/// Every mnemonic must have an encoding.
consteval bool every_mnemonic_has_a_row() {
    std::array<bool, static_cast<std::size_t>(Mnemonic::count)> found{};
    for (const Row& row : kRows) found.at(static_cast<std::size_t>(row.mnemonic)) = true;
    for (const bool present : found) {
        if (!present) return false;
    }
    return true;
}
static_assert(every_mnemonic_has_a_row());

}  // namespace

const Row* const kRowData = kRows.data();
constinit const std::array<OpcodeEntry, kSpaceCount* 256> kOpcodes = kMaps.opcodes;
constinit const std::array<u16, kCellCapacity> kCells = kMaps.cells;

std::span<const Row> table() { return kRows; }

const Row& row_of(const Instruction& instruction) { return kRows[instruction.row]; }

ExecutionClass execution_class(const Row& row) {
    if ((row.attributes & kCalled) != 0) return ExecutionClass::called;
    if ((row.attributes & kShared) != 0) return ExecutionClass::shared;
    return ExecutionClass::host;
}

u8 required_alignment(const Instruction& instruction) {
    const Row& row = row_of(instruction);
    if ((row.attributes & kAligned) == 0) return 1;
    switch (row.mnemonic) {
        case Mnemonic::Xsave:
        case Mnemonic::Xsaveopt:
        case Mnemonic::Xsavec:
        case Mnemonic::Xrstor:
            return 64;
        default:
            return instruction.vex_l ? 32 : 16;
    }
}

}  // namespace bantam::isa
