// Images of FNSTENV, FNSAVE, FXSAVE, XSAVE, XSAVEOPT, XSAVEC against those the host writes for the same state, and
// loading them back; the pointer formats of real mode and 16-bit operands; header checks of XRSTOR.
#include <random>

#include "tests/cpu_host/host_fixture.h"
#include "tests/cpu_host/native_runner.h"

namespace bantam::host {
namespace {

constexpr unsigned kBytes = 1024;
/// The byte of MXCSR_MASK with MXCSR.MM, which AMD's processors know and Bantam's model does not.
constexpr unsigned kMisalignedModeAt = 30;

class StateImage : public HostFixture {
protected:
    std::mt19937_64 random{7};
    NativeRunner native;
    NativeState before;
    alignas(64) std::array<u8, kBytes> native_memory{};

    void randomize() {
        before = NativeState{};
        for (auto& v : before.vector) {
            for (u8& byte : v) byte = static_cast<u8>(random());
        }
        const u16 words[2] = {static_cast<u16>(0x7F | (random() & 0xF00)), static_cast<u16>(random() & 0x7F7F)};
        std::memcpy(before.x87.data(), words, 4);
        before.x87[4] = static_cast<u8>(random());
        for (unsigned r = 0; r < 8; ++r) {
            for (unsigned b = 0; b < 10; ++b) before.x87[32 + 16 * r + b] = static_cast<u8>(random());
        }
        const u32 mxcsr = static_cast<u32>(0x1F80 | (random() & 0xE07F));
        std::memcpy(before.x87.data() + 24, &mxcsr, 4);
        publish();
        native_memory.fill(0x5A);
        std::memset(native_memory.data() + 512, 0, 64);
        memory->copy_in({kData}, native_memory);
    }
    /// Gives the guest the state in `before`.
    void publish() {
        before.gpr[kRax] = 7;
        CpuState& s = cpu.state;
        s.gpr = {};
        s.gpr[kRax] = 7;
        s.gpr[kRbx] = kData;
        before.gpr[kRbx] = reinterpret_cast<u64>(native_memory.data());
        for (unsigned v = 0; v < 16; ++v) s.vector[v].bytes = before.vector[v];
        s.x87 = before.x87;
        std::memcpy(&s.mxcsr, before.x87.data() + 24, 4);
        clear_x87_pointers(s);
    }
    void expect_same_memory(bool has_mxcsr_mask) {
        std::array<u8, kBytes> guest;
        memory->copy_out({kData}, guest);
        for (unsigned at = 0; at < kBytes; ++at) {
            if (has_mxcsr_mask && at == kMisalignedModeAt) continue;
            ASSERT_EQ(guest[at], native_memory[at]) << "byte " << at;
        }
    }
    int vector_of(std::initializer_list<u8> bytes) {
        const auto e = run(bytes);
        return e ? static_cast<int>(e->vector) : -1;
    }
};

TEST_F(StateImage, ImagesAreTheHosts) {
    const std::vector<u8> codes[] = {
        {0xD9, 0x33},       {0x66, 0xD9, 0x33},       {0xDD, 0x33},       {0x66, 0xDD, 0x33},
        {0x0F, 0xAE, 0x03}, {0x48, 0x0F, 0xAE, 0x03}, {0x0F, 0xAE, 0x23}, {0x48, 0x0F, 0xAE, 0x23},
        {0x0F, 0xAE, 0x33}, {0x48, 0x0F, 0xC7, 0x23}};
    for (const auto& code : codes) {
        for (unsigned n = 0; n < 20; ++n) {
            SCOPED_TRACE(static_cast<int>(code[0]) * 256 + code.back());
            randomize();
            enter_fpu(cpu.state);
            const auto exception = step(decode(code));
            leave_fpu(cpu.state);
            ASSERT_FALSE(exception.has_value());
            NativeState after = before;
            native.run(code, after);
            const bool extended = code[code.size() - 2] != 0xD9 && code[code.size() - 2] != 0xDD;
            expect_same_memory(extended);
            EXPECT_EQ(std::memcmp(cpu.state.x87.data(), after.x87.data(), 5), 0);
        }
    }
}

TEST_F(StateImage, RestoringGivesTheHostsState) {
    struct Pair {
        std::vector<u8> save, restore;
    };
    const Pair pairs[] = {{{0x48, 0x0F, 0xAE, 0x03}, {0x48, 0x0F, 0xAE, 0x0B}},
                          {{0x0F, 0xAE, 0x23}, {0x0F, 0xAE, 0x2B}},
                          {{0x0F, 0xC7, 0x23}, {0x0F, 0xAE, 0x2B}}};
    for (const Pair& pair : pairs) {
        for (u64 features = 0; features < 8; ++features) {
            randomize();
            NativeState saved = before;
            native.run(pair.save, saved);
            memory->copy_in({kData}, native_memory);
            std::array<u8, kBytes> image = native_memory;
            randomize();
            native_memory = image;
            memory->copy_in({kData}, native_memory);
            cpu.state.gpr[kRax] = before.gpr[kRax] = features;
            enter_fpu(cpu.state);
            const auto exception = step(decode(pair.restore));
            leave_fpu(cpu.state);
            ASSERT_FALSE(exception.has_value());
            NativeState after = before;
            native.run(pair.restore, after);
            for (unsigned v = 0; v < 16; ++v) EXPECT_EQ(cpu.state.vector[v].bytes, after.vector[v]);
            EXPECT_EQ(std::memcmp(cpu.state.x87.data(), after.x87.data(), 5), 0);
            EXPECT_EQ(std::memcmp(&cpu.state.mxcsr, after.x87.data() + 24, 4), 0);
            for (unsigned r = 0; r < 8; ++r) {
                EXPECT_EQ(std::memcmp(cpu.state.x87.data() + 32 + 16 * r, after.x87.data() + 32 + 16 * r, 10), 0);
            }
        }
    }
}

TEST_F(StateImage, ComponentsInInitialStateAreNotMarked) {
    before = NativeState{};
    before.x87[0] = 0x7F;
    before.x87[1] = 0x03;
    const u32 mxcsr = 0x1F80;
    std::memcpy(before.x87.data() + 24, &mxcsr, 4);
    publish();
    put<u64>(kData + 512, 8);
    EXPECT_EQ(vector_of({0x0F, 0xAE, 0x23}), -1);
    EXPECT_EQ(get<u64>(kData + 512), 8u);
    cpu.state.vector[3].bytes[20] = 1;
    EXPECT_EQ(vector_of({0x0F, 0xC7, 0x23}), -1);  // xsavec
    EXPECT_EQ(get<u64>(kData + 512), 4u);
    EXPECT_EQ(get<u64>(kData + 520), 0x8000000000000007u);
}

TEST_F(StateImage, XrstorChecksItsHeader) {
    randomize();
    EXPECT_EQ(vector_of({0x0F, 0xAE, 0x23}), -1);
    put<u64>(kData + 512, 0x107);
    EXPECT_EQ(vector_of({0x0F, 0xAE, 0x2B}), 13);
    put<u64>(kData + 512, 7);
    put<u64>(kData + 528, 1);
    EXPECT_EQ(vector_of({0x0F, 0xAE, 0x2B}), 13);
    put<u64>(kData + 528, 0);
    put<u64>(kData + 520, 0x8000000000000003);
    EXPECT_EQ(vector_of({0x0F, 0xAE, 0x2B}), 13);
    put<u64>(kData + 520, 0x8000000000000007);
    EXPECT_EQ(vector_of({0x0F, 0xAE, 0x2B}), -1);
    put<u64>(kData + 520, 0);
    put<u32>(kData + 24, 0x10000);
    EXPECT_EQ(vector_of({0x0F, 0xAE, 0x2B}), 13);
}

TEST_F(StateImage, PointerFormats) {
    Model old = model;
    old.features.remove(isa::Feature::x87_pointers);
    Cpu earlier(old, *memory, environment);
    CpuState& s = earlier.state;
    s.cr0 = 0x60000010;  // real mode
    earlier.set_segment(kCs, 0x1234, 0x12340, 0xFFFF, 0x93);
    earlier.set_segment(kDs, 0x0800, 0x8000, 0xFFFF, 0x93);
    earlier.update_mode();
    const auto execute = [&](const std::vector<u8>& bytes) {
        isa::Instruction i;
        ASSERT_EQ(isa::decode(bytes, earlier.decode_mode(), i), isa::DecodeStatus::ok);
        const isa::Handler handler = executor->handler_for(earlier, i);
        ASSERT_NE(handler, nullptr);
        s.instruction_rip = 0x5678;
        handler(earlier, i);
    };
    enter_fpu(s);
    execute({0xD9, 0x06, 0x00, 0x01});  // fld dword [100h]
    execute({0xD9, 0xE0});              // fchs: no memory operand, FDP stays
    execute({0xD9, 0x36, 0x00, 0x02});  // fnstenv [200h]
    execute({0x66, 0xD9, 0x36, 0x00, 0x03});
    leave_fpu(s);
    // 1234:5678 = 179B8h, 0800:0100 = 8100h, FOP = 1E0h
    EXPECT_EQ(get<u16>(0x8206), 0x79B8);
    EXPECT_EQ(get<u16>(0x8208), 0x11E0);
    EXPECT_EQ(get<u16>(0x820A), 0x8100);
    EXPECT_EQ(get<u16>(0x820C), 0x0000);
    EXPECT_EQ(get<u16>(0x830C), 0x79B8);
    EXPECT_EQ(get<u32>(0x8310), 0x000011E0u);
    EXPECT_EQ(get<u16>(0x8314), 0x8100);
    EXPECT_EQ(get<u32>(0x8318), 0u);
}

}  // namespace
}  // namespace bantam::host
