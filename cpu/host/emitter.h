// Emitter: the dozen host instructions a thunk is built of, as bytes, plus a raw byte sink for the guest's re-encoded
// instruction. Addresses are [rdi + disp32] (CpuState) or [rsi] (operand buffer). SDM vol. 2, chapter 2.
#pragma once

#include <array>
#include <span>

#include "base/check.h"
#include "base/types.h"

namespace bantam::host {

class Emitter {
public:
    void byte(unsigned value) {
        CHECK(size_ < code_.size());
        code_[size_++] = static_cast<u8>(value);
    }
    void little_endian(u64 value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) byte(static_cast<unsigned>(value >> (8 * i)) & 0xFFu);
    }
    [[nodiscard]] std::span<const u8> code() const { return {code_.data(), size_}; }

    /// MOV r64, [rdi + offset] and back.
    void load(unsigned host_register, u32 offset) { move64(0x8B, host_register, offset); }
    void store(unsigned host_register, u32 offset) { move64(0x89, host_register, offset); }
    /// MOVZX r32, byte [rdi + offset] and MOV byte [rdi + offset], r8.
    void load_byte(unsigned host_register, u32 offset) {
        byte(0x40u | (host_register >> 3) << 2);
        byte(0x0F);
        byte(0xB6);
        state_operand(host_register, offset);
    }
    void store_byte(unsigned host_register, u32 offset) {
        byte(0x40u | (host_register >> 3) << 2);
        byte(0x88);
        state_operand(host_register, offset);
    }

    /// MOVUPS between XMM and [rdi + offset]; VMOVUPS of 16 or 32 bytes.
    void load_xmm(unsigned number, u32 offset) { move_xmm(0x10, number, offset); }
    void store_xmm(unsigned number, u32 offset) { move_xmm(0x11, number, offset); }
    void load_vex(unsigned number, bool wide, u32 offset) { move_vex(0x10, number, wide, offset); }
    void store_ymm(unsigned number, u32 offset) { move_vex(0x11, number, true, offset); }

    void ldmxcsr(u32 offset) { mxcsr(2, offset); }
    void stmxcsr(u32 offset) { mxcsr(3, offset); }
    /// LDMXCSR from an absolute address, through RCX.
    void ldmxcsr_absolute(const void* address) {
        byte(0x48);
        byte(0xB9);
        little_endian(reinterpret_cast<u64>(address), 8);
        byte(0x0F);
        byte(0xAE);
        byte(0x11);
    }
    /// Host EFLAGS from CpuState::status at `offset`; destroys RAX.
    void load_status(u32 offset) {
        byte(0x0F);
        byte(0xB7);
        state_operand(0, offset);  // movzx eax, word
        byte(0x04);
        byte(0x7F);  // add al, 127: OF = old bit 0
        byte(0x9E);  // sahf
    }
    void store_status(u32 offset) {
        byte(0x9F);  // lahf
        byte(0x0F);
        byte(0x90);
        byte(0xC0);  // seto al
        byte(0x66);
        byte(0x89);
        state_operand(0, offset);
    }
    void vzeroupper() {
        byte(0xC5);
        byte(0xF8);
        byte(0x77);
    }
    void clear_eax() {
        byte(0x31);
        byte(0xC0);
    }
    void ret() { byte(0xC3); }

private:
    void state_operand(unsigned reg, u32 offset) {
        byte(0x87u | (reg & 7u) << 3);
        little_endian(offset, 4);
    }
    void move64(unsigned opcode, unsigned reg, u32 offset) {
        byte(0x48u | (reg >> 3) << 2);
        byte(opcode);
        state_operand(reg, offset);
    }
    void move_xmm(unsigned opcode, unsigned number, u32 offset) {
        if (number >= 8) byte(0x44);
        byte(0x0F);
        byte(opcode);
        state_operand(number, offset);
    }
    void move_vex(unsigned opcode, unsigned number, bool wide, u32 offset) {
        byte(0xC5);
        byte((number >= 8 ? 0x78u : 0xF8u) | (wide ? 4u : 0u));
        byte(opcode);
        state_operand(number, offset);
    }
    void mxcsr(unsigned extension, u32 offset) {
        byte(0x0F);
        byte(0xAE);
        state_operand(extension, offset);
    }

    std::array<u8, 384> code_{};
    std::size_t size_ = 0;
};

}  // namespace bantam::host
