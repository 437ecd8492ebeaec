#include "machine/boot/apm_bios.h"

#include <array>

#include "machine/boot/little_endian.h"
#include "machine/boot/low_memory.h"

namespace bantam::boot {
namespace {

// Functions 530xh by AL. Errors come back in AH with CF = 1.
constexpr std::array<u8, 86> kCode{
    0x3C, 0x07, 0x74, 0x38,              // cmp al, 7; je set_state        Set Power State
    0x3C, 0x0E, 0x74, 0x20,              // cmp al, 0Eh; je version        Driver Version
    0x3C, 0x0A, 0x74, 0x22,              // cmp al, 0Ah; je status         Get Power Status
    0x3C, 0x0B, 0x74, 0x14,              // cmp al, 0Bh; je event          Get PM Event
    0x3C, 0x04, 0x74, 0x26,              // cmp al, 4; je done             Disconnect
    0x3C, 0x08, 0x74, 0x22,              // cmp al, 8; je done             Enable/Disable
    0x3C, 0x0D, 0x74, 0x1E,              // cmp al, 0Dh; je done           Enable/Disable Device
    0x3C, 0x0F, 0x74, 0x1A,              // cmp al, 0Fh; je done           Engage/Disengage
    0xB4, 0x0C, 0xF9, 0xCB,              // mov ah, 0Ch; stc; retf         function not supported
    0xB4, 0x80, 0xF9, 0xCB,              // event: mov ah, 80h; stc; retf  no event pending
    0x66, 0xB8, 0x02, 0x01, 0xF8, 0xCB,  // version: mov ax, 102h; clc; retf
    0x66, 0xBB, 0xFF, 0x01,              // status: mov bx, 1FFh           AC on line, battery state unknown
    0x66, 0xB9, 0xFF, 0x80,              // mov cx, 80FFh                  no battery
    0x66, 0xBA, 0xFF, 0xFF,              // mov dx, FFFFh                  time left unknown
    0xF8, 0xCB,                          // done: clc; retf
    0x66, 0x83, 0xFB, 0x01, 0x75, 0x10,  // set_state: cmp bx, 1; jne unable   all devices
    0x66, 0x83, 0xF9, 0x03, 0x75, 0x0A,  // cmp cx, 3; jne unable              off
    0x66, 0xBA, 0x00, 0x00,              // mov dx, PM1a_CNT
    0x66, 0xB8, 0x00, 0x20,              // mov ax, SLP_EN                     SLP_TYP 0: soft off
    0x66, 0xEF,                          // out dx, ax
    0xB4, 0x60, 0xF9, 0xCB,              // unable: mov ah, 60h; stc; retf     unable to enter the state
};
constexpr u64 kPortInCode = 0x4A;

}  // namespace

std::vector<u8> install_apm_bios(PhysicalMemory& memory, u16 pm1a_control) {
    std::array<u8, kCode.size()> code = kCode;
    write_le<u16>(code, kPortInCode, pm1a_control);
    memory.copy_in({low_memory::kApmBios}, code);

    constexpr u16 kVersion = 0x0102, kHas32BitInterface = 2, kLength = 0x1000;
    constexpr u16 kSegment = low_memory::kApmBios >> 4;
    std::vector<u8> table;
    append_le<u16>(table, kVersion);
    append_le<u16>(table, kSegment);  // 32-bit code
    append_le<u32>(table, 0);         // entry point in it
    append_le<u16>(table, kSegment);  // 16-bit code
    append_le<u16>(table, kSegment);  // data
    append_le<u16>(table, kHas32BitInterface);
    for (int segment = 0; segment < 3; ++segment) append_le<u16>(table, kLength);
    return table;
}

}  // namespace bantam::boot
