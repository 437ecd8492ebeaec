#include "storage/floppy_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bantam::storage {
namespace {
constexpr FloppyForm k5 = FloppyForm::inch5, k3 = FloppyForm::inch3;
// clang-format off
constexpr std::array kFormats{
    FloppyFormat{"160K",  k5, 40, 1,  8, 250},
    FloppyFormat{"180K",  k5, 40, 1,  9, 250},
    FloppyFormat{"320K",  k5, 40, 2,  8, 250},
    FloppyFormat{"360K",  k5, 40, 2,  9, 250},
    FloppyFormat{"1.2M",  k5, 80, 2, 15, 500},
    FloppyFormat{"720K",  k3, 80, 2,  9, 250},
    FloppyFormat{"1.44M", k3, 80, 2, 18, 500},
    FloppyFormat{"1.68M", k3, 80, 2, 21, 500},  // DMF, and Linux' superformat
    FloppyFormat{"1.72M", k3, 82, 2, 21, 500},
    FloppyFormat{"2.88M", k3, 80, 2, 36, 1000},
};
// clang-format on
}  // namespace

std::optional<FloppyFormat> floppy_format_of(u64 bytes) {
    const auto* const found = std::find_if(kFormats.begin(), kFormats.end(),
                                           [&](const FloppyFormat& format) { return format.bytes() == bytes; });
    if (found == kFormats.end()) return std::nullopt;
    return *found;
}

std::string known_floppy_sizes() {
    std::string text;
    for (const FloppyFormat& format : kFormats) {
        text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", format.bytes(), format.name);
    }
    return text;
}

}  // namespace bantam::storage
