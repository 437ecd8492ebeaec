// AML, the ACPI machine language (ACPI specification 6.4, chapter 20), as far as a table of fixed devices needs it:
// terms are byte strings, built inside out. Resource descriptors are those of chapter 6.4.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace bantam::boot::aml {

using Term = std::vector<u8>;

/// All of `terms`, one after the other.
[[nodiscard]] Term join(std::initializer_list<Term> terms);

/// NameString of one segment of up to four characters, after an optional backslash.
[[nodiscard]] Term name_string(std::string_view name);
[[nodiscard]] Term integer(u64 value);
/// EISAID("PNP0A03").
[[nodiscard]] Term eisa_id(std::string_view id);
[[nodiscard]] Term string(std::string_view text);
[[nodiscard]] Term package(const std::vector<Term>& elements);
[[nodiscard]] Term buffer(const Term& bytes);

[[nodiscard]] Term name(std::string_view name, const Term& value);  // Name (NAME, value)
[[nodiscard]] Term scope(std::string_view name, const Term& body);
[[nodiscard]] Term device(std::string_view name, const Term& body);
[[nodiscard]] Term processor(std::string_view name, u8 acpi_id);

/// Resource template: descriptors, then the end tag.
[[nodiscard]] Term resources(std::initializer_list<Term> descriptors);
[[nodiscard]] Term io_ports(u16 base, u8 length);  // 16-bit decode, fixed
[[nodiscard]] Term irq(u8 number);                 // edge, active high, exclusive
[[nodiscard]] Term dma(u8 channel);                // 8-bit transfers, no bus master
[[nodiscard]] Term memory32_fixed(u32 base, u32 length);
[[nodiscard]] Term bus_range(u16 first, u16 last);
[[nodiscard]] Term io_window(u16 first, u16 last);
[[nodiscard]] Term memory_window(u32 first, u32 last, bool cacheable);

}  // namespace bantam::boot::aml
