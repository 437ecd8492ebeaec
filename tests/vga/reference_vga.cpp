// See reference_vga.h. This file: registers and the CPU's side of memory.
#include "tests/vga/reference_vga.h"

#include <algorithm>

namespace reference {

void ReferenceVga::out(unsigned port, unsigned value) {
    const bool colour = (misc_ & 1) != 0;
    const unsigned crtc = colour ? 0x3D4 : 0x3B4;
    value &= 0xFF;
    if (port == crtc) {
        crtc_index_ = value & 63;
    } else if (port == crtc + 1) {
        if (crtc_index_ > 0x18) return;
        if (crtc_index_ <= 7 && (crtc_[0x11] & 0x80) != 0) {  // protected, but for line compare's bit 8
            if (crtc_index_ == 7) crtc_[7] = static_cast<std::uint8_t>((crtc_[7] & ~0x10u) | (value & 0x10));
            return;
        }
        crtc_[crtc_index_] = static_cast<std::uint8_t>(value);
    } else if (port == 0x3C0) {
        if (!attribute_data_) {
            attribute_index_ = value & 0x3F;
        } else if ((attribute_index_ & 0x1F) < 16) {
            if ((attribute_index_ & 0x20) == 0) attribute_[attribute_index_ & 0x1F] = value & 0x3F;
        } else {
            attribute_[attribute_index_ & 0x1F] = static_cast<std::uint8_t>(value);
        }
        attribute_data_ = !attribute_data_;
    } else if (port == 0x3C2) {
        misc_ = static_cast<std::uint8_t>(value);
    } else if (port == 0x3C4) {
        sequencer_index_ = value & 7;
    } else if (port == 0x3C5) {
        sequencer_[sequencer_index_] = static_cast<std::uint8_t>(value);
    } else if (port == 0x3C6) {
        pel_mask_ = static_cast<std::uint8_t>(value);
    } else if (port == 0x3C8) {
        dac_index_ = value;
        dac_component_ = 0;
    } else if (port == 0x3C9) {
        const auto part = static_cast<std::uint8_t>((dispi_[4] & 0x20) != 0 ? value : value & 63);
        if (dac_component_ == 0) dac_written_.red = part;
        if (dac_component_ == 1) dac_written_.green = part;
        if (dac_component_ == 2) {
            dac_written_.blue = part;
            dac_[dac_index_] = dac_written_;
            dac_index_ = (dac_index_ + 1) & 0xFF;
        }
        dac_component_ = (dac_component_ + 1) % 3;
    } else if (port == 0x3CE) {
        graphics_index_ = value & 15;
    } else if (port == 0x3CF) {
        graphics_[graphics_index_] = static_cast<std::uint8_t>(value);
    }
}

void ReferenceVga::in(unsigned port) {
    if (port == ((misc_ & 1) != 0 ? 0x3DAu : 0x3BAu)) attribute_data_ = false;
}

void ReferenceVga::out_dispi(unsigned index, unsigned value) {
    dispi_.at(index) = value;
    if (index == 4 && (value & 1) != 0) {
        dispi_[6] = dispi_[1];
        dispi_[8] = dispi_[9] = 0;
        if ((value & 0x80) == 0) std::fill(linear_.begin(), linear_.end(), std::uint8_t{0});
    }
}

void ReferenceVga::write_linear(std::uint32_t offset, unsigned value) {
    linear_.at(offset) = static_cast<std::uint8_t>(value);
}

/// Graphics register 6 bits 3-2: which of A0000h-BFFFFh answers, and with which offset.
bool ReferenceVga::map(std::uint32_t address, std::uint32_t& offset) const {
    constexpr std::uint32_t kBase[4] = {0xA0000, 0xA0000, 0xB0000, 0xB8000};
    constexpr std::uint32_t kSize[4] = {0x20000, 0x10000, 0x8000, 0x8000};
    const unsigned select = graphics_[6] >> 2 & 3;
    if (address < kBase[select] || address >= kBase[select] + kSize[select]) return false;
    offset = address - kBase[select];
    return true;
}

/// Chain odd/even puts another bit in place of A0: A16 in the 128 KiB map, else the page bit of miscellaneous output
/// (which selects the low page when it is set, as every BIOS sets it).
static std::uint32_t without_a0(std::uint32_t offset, unsigned graphics_6, unsigned misc) {
    std::uint32_t replaced = offset & ~1u;
    if ((graphics_6 & 2) != 0) {
        const bool wide_map = (graphics_6 >> 2 & 3) == 0;
        replaced |= wide_map ? offset >> 16 & 1 : (misc & 0x20) != 0 ? 0 : 1;
    }
    return replaced;
}

ReferenceVga::Planes ReferenceVga::load(std::uint32_t offset) const {
    const std::uint32_t at = (sequencer_[4] & 2) != 0 ? offset & 0xFFFF : offset & 0x3FFF;
    return {plane_[0][at], plane_[1][at], plane_[2][at], plane_[3][at]};
}

unsigned ReferenceVga::read(std::uint32_t address) {
    if (linear()) return address < 0xB0000 ? linear_.at(dispi_[5] * 65536 + (address - 0xA0000)) : 0xFF;
    std::uint32_t offset = 0;
    if (!map(address, offset)) return 0xFF;
    unsigned chosen = graphics_[4] & 3;
    if ((sequencer_[4] & 8) != 0) {  // chain 4
        chosen = offset & 3;
        offset &= ~3u;
    } else if ((graphics_[5] & 0x10) != 0) {  // odd/even
        chosen = (chosen & 2) | (offset & 1);
        offset = without_a0(offset, graphics_[6], misc_);
    }
    latch_ = load(offset);
    if ((graphics_[5] & 8) == 0) return latch_[chosen];
    unsigned equal = 0;  // read mode 1
    for (unsigned dot = 0; dot < 8; ++dot) {
        bool same = true;
        for (unsigned p = 0; p < 4; ++p) {
            const bool counts = (graphics_[7] >> p & 1) != 0;
            if (counts && (latch_[p] >> dot & 1) != (graphics_[2] >> p & 1)) same = false;
        }
        if (same) equal |= 1u << dot;
    }
    return equal;
}

void ReferenceVga::write(std::uint32_t address, unsigned value) {
    value &= 0xFF;
    if (linear()) {
        if (address < 0xB0000) linear_.at(dispi_[5] * 65536 + (address - 0xA0000)) = static_cast<std::uint8_t>(value);
        return;
    }
    std::uint32_t offset = 0;
    if (!map(address, offset)) return;
    unsigned maps = sequencer_[2] & 15;
    if ((sequencer_[4] & 8) != 0) {
        maps &= 1u << (offset & 3);
        offset &= ~3u;
    } else if ((sequencer_[4] & 4) == 0) {
        maps &= (offset & 1) != 0 ? 0b1010 : 0b0101;
        offset = without_a0(offset, graphics_[6], misc_);
    }
    offset &= (sequencer_[4] & 2) != 0 ? 0xFFFF : 0x3FFF;
    const unsigned mode = graphics_[5] & 3;
    const unsigned turns = graphics_[3] & 7;
    const unsigned rotated = ((value >> turns) | (value << (8 - turns))) & 0xFF;
    for (unsigned p = 0; p < 4; ++p) {
        if ((maps >> p & 1) == 0) continue;
        unsigned result = 0;
        for (unsigned dot = 0; dot < 8; ++dot) {  // bit by bit
            const unsigned latched = latch_[p] >> dot & 1;
            const unsigned set_reset = graphics_[0] >> p & 1;
            unsigned data = 0;
            bool masked_in = (graphics_[8] >> dot & 1) != 0;
            if (mode == 0) {
                data = (graphics_[1] >> p & 1) != 0 ? set_reset : rotated >> dot & 1;
            } else if (mode == 2) {
                data = value >> p & 1;
            } else if (mode == 3) {
                data = set_reset;
                masked_in = masked_in && (rotated >> dot & 1) != 0;
            }
            const unsigned function = graphics_[3] >> 3 & 3;
            if (function == 1) data &= latched;
            if (function == 2) data |= latched;
            if (function == 3) data ^= latched;
            if (mode == 1 || !masked_in) data = latched;
            result |= data << dot;
        }
        plane_[p][offset] = static_cast<std::uint8_t>(result);
    }
}

}  // namespace reference
