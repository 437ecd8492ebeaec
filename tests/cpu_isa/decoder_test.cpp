// The decoder against Zydis and Capstone: every opcode of every map with every ModRM byte and mandatory prefix, the
// rows of the table themselves, and random bytes; then what neither library knows.
#include "cpu/isa/decoder.h"

#include <capstone/capstone.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cpu/isa/table.h"
#include "zydis_reference.h"

namespace bantam::isa {
namespace {

using test::compare_with_zydis;
using test::describe;

constexpr DecodeMode kMode64{};
constexpr DecodeMode kMode32{CodeSize::bits32, true, FeatureSet::all()};
constexpr DecodeMode kMode16{CodeSize::bits16, true, FeatureSet::all()};
constexpr DecodeMode kModeReal{CodeSize::bits16, false, FeatureSet::all()};
constexpr std::array<DecodeMode, 4> kModes = {kMode64, kMode32, kMode16, kModeReal};

using Bytes = std::array<u8, 24>;
using Random = std::mt19937_64;

/// Collects the first differences and counts the rest.
class Differences {
public:
    void note(const std::string& what, std::span<const u8> bytes, const DecodeMode& mode) {
        if (what.empty()) return;
        if (++count_ <= 20) ADD_FAILURE() << what << "   " << describe(bytes, mode);
    }
    [[nodiscard]] u64 count() const { return count_; }

private:
    u64 count_ = 0;
};

/// One encoding of `opcode` in `space` (0-3 legacy maps, 4-6 VEX maps) with `selector` as mandatory prefix or VEX.pp.
/// The rest - other prefixes, REX, VEX fields, what follows ModRM - is random.
Bytes make_encoding(unsigned space, u8 opcode, unsigned selector, u8 modrm, const DecodeMode& mode, Random& random) {
    constexpr std::array<u8, 11> kPrefixes = {0x2E, 0x36, 0x64, 0x65, 0x67, 0x66, 0xF0, 0x3E, 0x26, 0xF2, 0xF3};
    constexpr std::array<u8, 4> kMandatory = {0, 0x66, 0xF3, 0xF2};
    const bool long_mode = mode.code_size == CodeSize::bits64;
    const u64 dice = random();
    Bytes bytes{};
    std::size_t at = 0;
    const auto put = [&](u64 byte) { bytes[at++] = static_cast<u8>(byte); };
    if ((dice & 7u) == 0) put(kPrefixes[(dice >> 8) % kPrefixes.size()]);
    if (space < 4) {
        if (selector != 0) put(kMandatory[selector]);
        if (long_mode && (dice & 8u) != 0) put(0x40u | ((dice >> 16) & 15u));
        if (space >= 1) put(0x0F);
        if (space >= 2) put(space == 2 ? 0x38 : 0x3A);
    } else {
        const u64 vvvv = (dice & 0x40u) != 0 ? 0x78u : 0u;
        if (space == 4 && (dice & 0x30u) == 0) {
            put(0xC5);
            put(0x80u | ((dice >> 16) & 0x7Cu) | selector | vvvv);
        } else {
            put(0xC4);
            const u64 inverted_rxb = long_mode ? (dice >> 40) & 0xE0u : 0xC0u | ((dice >> 24) & 0x20u);
            put(inverted_rxb | (space - 3));
            put(((dice >> 16) & 0xFCu) | selector | vvvv);
        }
    }
    put(opcode);
    put(modrm);
    for (u64 tail = random(); at < bytes.size(); tail = (tail >> 8) | (tail << 56)) put(tail);
    return bytes;
}

TEST(Decoder, EveryOpcodeAndModrmAgreesWithZydis) {
    Random random(1);
    Differences differences;
    for (unsigned space = 0; space < 7; ++space) {
        for (unsigned opcode = 0; opcode < 256; ++opcode) {
            for (unsigned selector = 0; selector < 4; ++selector) {
                for (unsigned modrm = 0; modrm < 256; ++modrm) {
                    for (const DecodeMode& mode : kModes) {
                        const Bytes bytes = make_encoding(space, static_cast<u8>(opcode), selector,
                                                          static_cast<u8>(modrm), mode, random);
                        differences.note(compare_with_zydis(bytes, mode), bytes, mode);
                    }
                }
            }
        }
    }
    EXPECT_EQ(differences.count(), 0u);
}

TEST(Decoder, RandomBytesAgreeWithZydis) {
    const char* wanted = std::getenv("BANTAM_DECODER_CASES");
    const u64 cases = wanted != nullptr ? std::strtoull(wanted, nullptr, 0) : 1'000'000;
    const char* seed = std::getenv("BANTAM_SEED");
    Random random(seed != nullptr ? std::strtoull(seed, nullptr, 0) : 2);
    Differences differences;
    for (u64 i = 0; i < cases; ++i) {
        std::array<u64, 2> words = {random(), random()};
        std::array<u8, 16> bytes;
        std::memcpy(bytes.data(), words.data(), bytes.size());
        for (const DecodeMode& mode : kModes) differences.note(compare_with_zydis(bytes, mode), bytes, mode);
    }
    EXPECT_EQ(differences.count(), 0u);
}

/// Random encodings that reach each row; returns the rows seen.
std::set<u16> reach_rows(Random& random, const DecodeMode& mode) {
    std::set<u16> seen;
    for (const Row& row : table().subspan(1)) {
        const u16 index = static_cast<u16>(&row - table().data());
        const unsigned space = row.vex ? row.map + 3u : row.map;
        for (unsigned attempt = 0; attempt < 3000 && !seen.contains(index); ++attempt) {
            const u8 opcode = static_cast<u8>(row.opcode + random() % row.opcode_count);
            const Bytes bytes = make_encoding(space, opcode, static_cast<unsigned>(random() % 4),
                                              static_cast<u8>(random()), mode, random);
            Instruction instruction;
            if (decode(bytes, mode, instruction) == DecodeStatus::ok) seen.insert(instruction.row);
        }
    }
    return seen;
}

TEST(Table, EveryRowCanBeDecoded) {
    Random random(3);
    std::set<u16> seen;
    for (const DecodeMode& mode : kModes) seen.merge(reach_rows(random, mode));
    for (std::size_t i = 1; i < table().size(); ++i) {
        EXPECT_TRUE(seen.contains(static_cast<u16>(i))) << i << " " << mnemonic_name(table()[i].mnemonic);
    }
}

TEST(Decoder, CapstoneAgreesOnLengths) {
    std::array<csh, 3> handles{};
    ASSERT_EQ(cs_open(CS_ARCH_X86, CS_MODE_64, &handles[0]), CS_ERR_OK);
    ASSERT_EQ(cs_open(CS_ARCH_X86, CS_MODE_32, &handles[1]), CS_ERR_OK);
    ASSERT_EQ(cs_open(CS_ARCH_X86, CS_MODE_16, &handles[2]), CS_ERR_OK);
    Random random(4);
    u64 both = 0;
    u64 different = 0;
    for (unsigned i = 0; i < 300'000; ++i) {
        const std::size_t which = i % 3;
        const u64 dice = random();
        const Bytes bytes = make_encoding(static_cast<unsigned>(dice % 7), static_cast<u8>(dice >> 8),
                                          (dice >> 16) & 3u, static_cast<u8>(dice >> 24), kModes[which], random);
        Instruction ours;
        if (decode(bytes, kModes[which], ours) != DecodeStatus::ok) continue;
        cs_insn* theirs = nullptr;
        const std::size_t count = cs_disasm(handles[which], bytes.data(), bytes.size(), 0, 1, &theirs);
        if (count == 0) continue;
        ++both;
        if (theirs->size != ours.length) ++different;
        cs_free(theirs, count);
    }
    for (csh& handle : handles) cs_close(&handle);
    EXPECT_GT(both, 50'000u);
    // Capstone 4.0 is wrong about near branches with 66h in 64-bit mode, MOV CR with a memory ModRM and some prefixes.
    EXPECT_LT(different, both / 100) << different << " of " << both;
}

DecodeStatus decode_in(const DecodeMode& mode, std::initializer_list<u8> bytes, Instruction& out) {
    return decode(std::vector<u8>(bytes), mode, out);
}

TEST(Decoder, TruncationAsksForMoreAndNeverGuesses) {
    Random random(5);
    for (unsigned i = 0; i < 200'000; ++i) {
        const DecodeMode& mode = kModes[i % 4];
        const u64 dice = random();
        const Bytes bytes = make_encoding(static_cast<unsigned>(dice % 7), static_cast<u8>(dice >> 8),
                                          (dice >> 16) & 3u, static_cast<u8>(dice >> 24), mode, random);
        Instruction whole;
        const DecodeStatus status = decode(bytes, mode, whole);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            Instruction part;
            const DecodeStatus partial = decode(std::span(bytes).first(size), mode, part);
            if (status == DecodeStatus::too_long) {
                EXPECT_EQ(partial, size < 15 ? DecodeStatus::truncated : DecodeStatus::too_long);
            } else {
                EXPECT_EQ(partial, size < whole.length ? DecodeStatus::truncated : status) << describe(bytes, mode);
            }
        }
    }
}

TEST(Decoder, FifteenBytesAreTheLimit) {
    std::vector<u8> code(14, 0x66);
    code.push_back(0x90);
    Instruction instruction;
    EXPECT_EQ(decode(code, kMode64, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.length, 15);
    code.insert(code.begin(), 0x66);
    EXPECT_EQ(decode(code, kMode64, instruction), DecodeStatus::too_long);
    EXPECT_EQ(decode(std::vector<u8>(15, 0x48), kMode64, instruction), DecodeStatus::too_long);
}

TEST(Decoder, VexBelongsToProtectedMode) {
    Instruction instruction;
    // VZEROUPPER in protected mode; with PE = 0 or VM = 1 the same bytes are LDS with a register operand.
    EXPECT_EQ(decode_in(kMode16, {0xC5, 0xF8, 0x77}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.mnemonic, Mnemonic::Vzeroupper);
    EXPECT_EQ(decode_in(kModeReal, {0xC5, 0xF8, 0x77}, instruction), DecodeStatus::invalid);
    EXPECT_EQ(decode_in(kModeReal, {0xC5, 0x06, 0x34, 0x12}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.mnemonic, Mnemonic::Lds);
}

// As the oracle found on a processor: such an instruction at the end of a page raises #UD, not #PF for the next page.
TEST(Decoder, VexMapsThatAreMultiplesOfFourNeedNoMoreBytes) {
    Instruction instruction;
    EXPECT_EQ(decode_in(kMode32, {0xC4, 0xCC}, instruction), DecodeStatus::invalid);
    EXPECT_EQ(decode_in(kMode64, {0xC4, 0xE0}, instruction), DecodeStatus::invalid);
    EXPECT_EQ(decode_in(kMode64, {0xC4, 0xE5}, instruction), DecodeStatus::truncated);
}

TEST(Decoder, FeaturesOfTheModelDecide) {
    DecodeMode mode = kMode64;
    mode.features = FeatureSet{Feature::base, Feature::long_mode};
    Instruction instruction;
    // LZCNT and TZCNT are BSR and BSF where they do not exist; POPCNT, SSE and VEX are invalid.
    EXPECT_EQ(decode_in(mode, {0xF3, 0x0F, 0xBD, 0xC1}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.mnemonic, Mnemonic::Bsr);
    EXPECT_EQ(decode_in(mode, {0xF3, 0x66, 0x0F, 0xBC, 0xC1}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.mnemonic, Mnemonic::Bsf);
    EXPECT_EQ(instruction.operand_size, 2);
    EXPECT_EQ(decode_in(mode, {0xF3, 0x0F, 0xB8, 0xC1}, instruction), DecodeStatus::invalid);
    EXPECT_EQ(decode_in(mode, {0x0F, 0x28, 0xC1}, instruction), DecodeStatus::invalid);
    EXPECT_EQ(decode_in(mode, {0xC5, 0xF8, 0x28, 0xC1}, instruction), DecodeStatus::invalid);
}

TEST(Decoder, SegmentOverridesOf64BitMode) {
    // 2Eh, 36h, 26h and 3Eh are ignored, and do not cancel FS or GS (observed on Intel processors).
    Instruction instruction;
    EXPECT_EQ(decode_in(kMode64, {0x64, 0x2E, 0x8B, 0x00}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.segment, 4);
    EXPECT_EQ(decode_in(kMode64, {0x2E, 0x8B, 0x00}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.segment, 3);
    EXPECT_FALSE(instruction.has_segment_override);
    EXPECT_EQ(decode_in(kMode64, {0x36, 0x8B, 0x45, 0x00}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.segment, 2);
}

TEST(Decoder, PauseIgnoresRexB) {
    // F3 41 90 is PAUSE on Intel processors; 41 90 exchanges R8 and RAX.
    Instruction instruction;
    EXPECT_EQ(decode_in(kMode64, {0xF3, 0x41, 0x90}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.mnemonic, Mnemonic::Pause);
    EXPECT_EQ(decode_in(kMode64, {0x41, 0x90}, instruction), DecodeStatus::ok);
    EXPECT_EQ(instruction.mnemonic, Mnemonic::Xchg);
}

TEST(Decoder, LockNeedsALockableMemoryDestination) {
    Instruction instruction;
    EXPECT_EQ(decode_in(kMode32, {0xF0, 0x01, 0x00}, instruction), DecodeStatus::ok);
    EXPECT_TRUE(instruction.lock);
    EXPECT_EQ(decode_in(kMode32, {0xF0, 0x01, 0xC0}, instruction), DecodeStatus::invalid);
    EXPECT_EQ(decode_in(kMode32, {0xF0, 0x03, 0x00}, instruction), DecodeStatus::invalid);
    EXPECT_EQ(decode_in(kMode32, {0xF0, 0x39, 0x00}, instruction), DecodeStatus::invalid);
    EXPECT_EQ(decode_in(kMode32, {0xF0, 0x90}, instruction), DecodeStatus::invalid);
}

}  // namespace
}  // namespace bantam::isa
