// Optimisations: what the translator may do beyond handing every instruction to its handler and every block back to
// C++. Each has a name and can be switched off (`--jit-disable NAME`), so that a wrong translation is traced to one of
// them in minutes.
#pragma once

#include <array>
#include <string_view>

#include "base/types.h"

namespace bantam::jit {

enum class Optimisation : u8 {
    links,
    indirect_table,
    native_integer,
    native_stack,
    native_branches,
    vector,
    x87,
    windows,
    going_on,
    beside_code,
    stack_moves,
    kept_distances,
    stack_window,
    homed_copies,
    loops,
    repeated_strings,
    expected_windows,
    home_window,
    count
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Optimisation::count)> kOptimisationNames{
    "links",        "indirect-table", "native-integer", "native-stack",     "native-branches",  "vector",
    "x87",          "windows",        "going-on",       "beside-code",      "stack-moves",      "kept-distances",
    "stack-window", "homed-copies",   "loops",          "repeated-strings", "expected-windows", "home-window"};

/// Those that are switched on: all, to begin with.
class Optimisations {
public:
    [[nodiscard]] constexpr bool has(Optimisation optimisation) const { return (off_ & bit(optimisation)) == 0; }
    constexpr void disable(Optimisation optimisation) { off_ |= bit(optimisation); }
    /// False: there is none of that name.
    constexpr bool disable(std::string_view name) {
        for (std::size_t i = 0; i < kOptimisationNames.size(); ++i) {
            if (kOptimisationNames[i] != name) continue;
            disable(static_cast<Optimisation>(i));
            return true;
        }
        return false;
    }

private:
    static constexpr u32 bit(Optimisation optimisation) { return 1u << static_cast<unsigned>(optimisation); }
    u32 off_ = 0;
};

}  // namespace bantam::jit
