// Every host-executed row of the instruction table, in random encodings with random registers, memory and modes of
// rounding: the executor's handler must leave exactly what the instruction leaves when the host runs it directly.
// Exceptions are masked.
#include <fmt/format.h>

#include <random>

#include "tests/cpu_host/host_fixture.h"
#include "tests/cpu_host/native_runner.h"

namespace bantam::host {
namespace {

using isa::Mnemonic;

constexpr unsigned kCasesPerRow = 60;
constexpr unsigned kBytes = 1024;

class Differential : public HostFixture {
protected:
    std::mt19937_64 random{20260722};
    NativeRunner native;
    alignas(64) std::array<u8, kBytes> native_memory{};

    u64 below(u64 bound) { return random() % bound; }
    unsigned one_of(unsigned mask, unsigned bits) {
        for (;;) {
            const unsigned value = static_cast<unsigned>(below(bits));
            if (((mask >> value) & 1u) != 0) return value;
        }
    }

    std::vector<u8> encode(const isa::Row& row);
    bool usable(const isa::Instruction& i) const;
    void randomize(const isa::Instruction& i);
    void fill_floats(u8* to, unsigned size);
    void compare(const isa::Instruction& i, const std::vector<u8>& bytes);

    NativeState before;
    u64 guest_data = kData;
};

std::vector<u8> Differential::encode(const isa::Row& row) {
    std::vector<u8> bytes;
    const bool in_memory = row.has_modrm && (row.mod & 1u) != 0 && ((row.mod & 2u) == 0 || below(2) == 0);
    const bool vsib = (row.attributes & isa::kVsib) != 0;
    const unsigned rm = in_memory ? (vsib ? 4u : 3u) : one_of(row.rm, 8);
    const unsigned reg = one_of(row.reg, 8);
    unsigned r = static_cast<unsigned>(below(2));
    const unsigned b = in_memory ? 0u : static_cast<unsigned>(below(2));
    const unsigned x = vsib ? static_cast<unsigned>(below(2)) : 0;
    const bool wide =
        row.operand_sizes == 4 || (row.w == 2) || (row.w == 3 && (row.operand_sizes & 4u) != 0 && below(2) == 0);
    if (row.vex) {
        const unsigned pp = one_of(row.prefixes, 4);
        const unsigned l = one_of(row.vector_length, 2);
        const unsigned vvvv = (row.attributes & isa::kUsesVvvv) != 0 ? static_cast<unsigned>(below(16)) : 0;
        bytes = {0xC4, static_cast<u8>((r ^ 1u) << 7 | (x ^ 1u) << 6 | (b ^ 1u) << 5 | row.map),
                 static_cast<u8>((wide ? 0x80u : 0u) | (~vvvv & 15u) << 3 | l << 2 | pp), row.opcode};
    } else {
        constexpr u8 kPrefixes[] = {0, 0x66, 0xF3, 0xF2};
        const unsigned prefix = row.prefixes == 0xF ? 0 : one_of(row.prefixes, 4);
        if (prefix != 0) bytes.push_back(kPrefixes[prefix]);
        if (prefix != 1 && (row.operand_sizes & 1u) != 0 &&
            (row.attributes & (isa::kSse | isa::kMmx | isa::kX87)) == 0 && row.prefixes != 1 && below(3) == 0) {
            bytes.insert(bytes.begin(), 0x66);
        }
        if (below(3) != 0 || wide) bytes.push_back(static_cast<u8>(0x40u | (wide ? 8u : 0u) | r << 2 | b));
        if (row.map != 0) bytes.push_back(0x0F);
        if (row.map > 1) bytes.push_back(row.map == 2 ? 0x38 : 0x3A);
        bytes.push_back(static_cast<u8>(row.opcode + below(row.opcode_count)));
    }
    if (row.has_modrm) bytes.push_back(static_cast<u8>((in_memory ? 0u : 0xC0u) | reg << 3 | rm));
    if (vsib) bytes.push_back(static_cast<u8>(below(4) << 6 | below(8) << 3 | 3u));
    for (unsigned i = 0; i < 8; ++i) bytes.push_back(static_cast<u8>(random()));
    return bytes;
}

/// RBX and RDI hold addresses, which differ between guest and host; RSP is not loaded.
bool Differential::usable(const isa::Instruction& i) const {
    for (unsigned k = 0; k < i.operand_count; ++k) {
        if (i.operands[k].kind != isa::OperandKind::gpr) continue;
        const unsigned number = i.operands[k].gpr_offset / 8u;
        if (number == kRbx || number == kRsp || number == kRdi) return false;
    }
    switch (i.mnemonic) {
        // Their images hold pointers into code (tested in state_image_test.cpp), or they can fault.
        case Mnemonic::Fnstenv:
        case Mnemonic::Fnsave:
        case Mnemonic::Fxsave:
        case Mnemonic::Fxrstor:
        case Mnemonic::Xsave:
        case Mnemonic::Xsaveopt:
        case Mnemonic::Xsavec:
        case Mnemonic::Xrstor:
        case Mnemonic::Ldmxcsr:
        case Mnemonic::Vldmxcsr:
        case Mnemonic::Div:
        case Mnemonic::Idiv:
            return false;
        default:
            return true;
    }
}

/// Numbers worth computing with: small, huge, denormal, infinite, not a number, and plain noise.
void Differential::fill_floats(u8* to, unsigned size) {
    for (unsigned at = 0; at < size; at += 8) {
        u64 value = random();
        switch (below(6)) {
            case 0: {
                const double number = static_cast<double>(below(2000)) / 16 - 60;
                std::memcpy(&value, &number, 8);
                break;
            }
            case 1: {
                const float pair[2] = {static_cast<float>(below(100)), 1.0f / static_cast<float>(1 + below(50))};
                std::memcpy(&value, pair, 8);
                break;
            }
            case 2:
                value &= 0x800FFFFF807FFFFF;
                break;
            case 3:
                value |= 0x7FF000007F800000;
                break;
            default:
                break;
        }
        std::memcpy(to + at, &value, 8);
    }
}

void Differential::randomize(const isa::Instruction& i) {
    before = NativeState{};
    for (u64& value : before.gpr) value = below(3) == 0 ? below(64) : random();
    before.flags = 2 | (random() & kStatusFlags);
    for (auto& v : before.vector) fill_floats(v.data(), 32);
    if ((isa::row_of(i).attributes & isa::kVsib) != 0) {
        // Small offsets in both widths of index.
        for (unsigned at = 0; at < 32; at += 4) {
            const u32 value = i.mnemonic == Mnemonic::Vgatherdps || i.mnemonic == Mnemonic::Vgatherdpd ||
                                      i.mnemonic == Mnemonic::Vpgatherdd || i.mnemonic == Mnemonic::Vpgatherdq ||
                                      at % 8 == 0
                                  ? static_cast<u32>(below(96))
                                  : 0;
            std::memcpy(before.vector[i.index].data() + at, &value, 4);
        }
    }
    const u16 control = static_cast<u16>(0x7F | below(16) << 8);
    const u16 status = static_cast<u16>((random() & 0x7F7F) & ~0x80u);
    std::memcpy(before.x87.data(), &control, 2);
    std::memcpy(before.x87.data() + 2, &status, 2);
    before.x87[4] = below(3) == 0 ? static_cast<u8>(random()) : 0xFF;
    for (unsigned r = 0; r < 8; ++r) {
        u8* to = before.x87.data() + 32 + 16 * r;
        fill_floats(to, 8);
        const u16 exponent = static_cast<u16>(below(4) == 0 ? random() : 0x3FF0 + below(32));
        std::memcpy(to + 8, &exponent, 2);
        if (below(5) != 0) to[7] |= 0x80;
    }
    const u32 mxcsr = static_cast<u32>(0x1F80 | below(4) << 13 | below(2) << 15 | below(2) << 6 | below(64));
    std::memcpy(before.x87.data() + 24, &mxcsr, 4);
    fill_floats(native_memory.data(), kBytes);
    // Half the operands that may be misaligned cross a page, which takes the buffered path.
    guest_data = isa::required_alignment(i) == 1 && below(2) == 0 ? kData + kPageSize - 1 : kData;
    memory->copy_in({guest_data}, native_memory);

    CpuState& s = cpu.state;
    for (unsigned r = 0; r < 16; ++r) s.gpr[r] = before.gpr[r];
    s.gpr[kRbx] = s.gpr[kRdi] = guest_data;
    before.gpr[kRbx] = before.gpr[kRdi] = reinterpret_cast<u64>(native_memory.data());
    s.status = status_from_flags(static_cast<u32>(before.flags));
    for (unsigned v = 0; v < 16; ++v) s.vector[v].bytes = before.vector[v];
    s.x87 = before.x87;
    s.mxcsr = mxcsr;
}

void Differential::compare(const isa::Instruction& i, const std::vector<u8>& bytes) {
    enter_fpu(cpu.state);
    const auto exception = step(i);
    leave_fpu(cpu.state);
    NativeState after = before;
    native.run(bytes, after);

    ASSERT_FALSE(exception.has_value()) << "vector " << static_cast<int>(exception->vector);
    const CpuState& s = cpu.state;
    for (unsigned r = 0; r < 16; ++r) {
        if (r == kRbx || r == kRsp || r == kRdi) continue;
        EXPECT_EQ(s.gpr[r], after.gpr[r]) << "gpr " << r;
    }
    EXPECT_EQ(flags_from_status(s.status), after.flags & kStatusFlags);
    for (unsigned v = 0; v < 16; ++v) EXPECT_EQ(s.vector[v].bytes, after.vector[v]) << "vector " << v;
    u32 mxcsr;
    std::memcpy(&mxcsr, after.x87.data() + 24, 4);
    EXPECT_EQ(s.mxcsr, mxcsr);
    EXPECT_EQ(std::memcmp(s.x87.data(), after.x87.data(), 5), 0) << "x87 control, status, tags";
    for (unsigned r = 0; r < 8; ++r) {
        EXPECT_EQ(std::memcmp(s.x87.data() + 32 + 16 * r, after.x87.data() + 32 + 16 * r, 10), 0) << "st " << r;
    }
    std::array<u8, kBytes> guest;
    memory->copy_out({guest_data}, guest);
    EXPECT_EQ(guest, native_memory);
}

TEST_F(Differential, EveryRowAgreesWithTheHost) {
    unsigned rows = 0;
    unsigned cases = 0;
    for (const isa::Row& row : isa::table()) {
        if (row.mnemonic == Mnemonic::Invalid || (row.modes & 2u) == 0 || !model.has(row.feature)) continue;
        bool any = false;
        for (unsigned n = 0; n < kCasesPerRow; ++n) {
            std::vector<u8> bytes = encode(row);
            isa::Instruction i;
            if (isa::decode(bytes, cpu.decode_mode(), i) != isa::DecodeStatus::ok || &isa::row_of(i) != &row) continue;
            if (!usable(i)) continue;
            i.handler = executor->handler_for(cpu, i);
            if (i.handler == nullptr || i.mnemonic == Mnemonic::Wait) continue;
            bytes.resize(i.length);
            randomize(i);
            compare(i, bytes);
            any = true;
            ++cases;
            if (HasFailure()) {
                std::string text;
                for (const u8 byte : bytes) text += fmt::format("{:02X} ", byte);
                FAIL() << isa::mnemonic_name(i.mnemonic) << ": " << text;
            }
        }
        rows += any ? 1 : 0;
    }
    RecordProperty("rows", static_cast<int>(rows));
    RecordProperty("cases", static_cast<int>(cases));
    EXPECT_GT(rows, 1000u);
    EXPECT_GT(executor->thunk_count(), 5000u);
}

}  // namespace
}  // namespace bantam::host
