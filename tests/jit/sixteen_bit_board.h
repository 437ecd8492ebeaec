// A machine that runs 16-bit code on one engine, for tests that compare two.
#pragma once

#include <array>
#include <string>

#include "tests/jit/engine_board.h"

namespace bantam::jit {

enum class SixteenBitMode : u8 {
    real,
    unreal,            // real mode; DS, ES and GS have limits of 4 GiB
    protected_low,     // 16-bit stack, limits of 64 KiB
    protected_wide,    // 32-bit stack of 4 GiB
    protected_narrow,  // data segments that end below 64 KiB, ES expands down
    v86,
};
inline constexpr std::array kSixteenBitModes{
    SixteenBitMode::real,           SixteenBitMode::unreal,           SixteenBitMode::protected_low,
    SixteenBitMode::protected_wide, SixteenBitMode::protected_narrow, SixteenBitMode::v86};

class SixteenBitBoard : public EngineBoard<> {
public:
    static constexpr u64 kRamBytes = u64{2} << 20;
    /// Where every vector of the real-mode table leads, 16 bytes each; filled with HLT.
    static constexpr u16 kHandlerSegment = 0x0050;

    explicit SixteenBitBoard(bool translated, Optimisations optimisations = {}, u32 threshold = 0);

    /// Power-on, zeroed memory, then `mode` with CS, DS, ES, SS, FS and GS of 16 * `segment`.
    void start(SixteenBitMode mode, u16 segment);
    [[nodiscard]] const u8* ram() { return memory().plain_ram(Physical{0}); }
    void set_segment(unsigned segment, u64 base, u32 limit, u16 attributes);
};

/// What differs between the two, a line each; "" when nothing does. `with_memory`: all of RAM too.
[[nodiscard]] std::string differences(SixteenBitBoard& interpreted, SixteenBitBoard& translated, bool with_memory);

}  // namespace bantam::jit
