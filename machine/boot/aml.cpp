#include "machine/boot/aml.h"

#include "base/check.h"
#include "machine/boot/little_endian.h"

namespace bantam::boot::aml {
namespace {

/// PkgLength (20.2.4) of a package whose remaining bytes are `body`; counts itself.
Term with_length(const Term& body) {
    Term term;
    if (body.size() + 1 <= 0x3F) {
        term.push_back(static_cast<u8>(body.size() + 1));
    } else {
        const std::size_t total = body.size() + (body.size() + 2 <= 0xFFF ? 2 : 3);
        const std::size_t followers = total <= 0xFFF ? 1 : 2;
        CHECK(total <= 0xFFFFF);
        term.push_back(static_cast<u8>(followers << 6 | (total & 15)));
        for (std::size_t i = 0; i < followers; ++i) term.push_back(static_cast<u8>(total >> (4 + 8 * i)));
    }
    term.insert(term.end(), body.begin(), body.end());
    return term;
}

/// A word or dword address space descriptor (6.4.3.5.2, 6.4.3.5.3) of a producer with fixed bounds.
template <class T>
Term window(u8 tag, u8 resource_type, u8 type_flags, T first, T last) {
    constexpr u8 kMinimumFixed = 4, kMaximumFixed = 8;
    Term term{tag};
    append_le<u16>(term, static_cast<u16>(3 + 5 * sizeof(T)));
    term.insert(term.end(), {resource_type, u8{kMinimumFixed | kMaximumFixed}, type_flags});
    append_le<T>(term, 0);  // granularity
    append_le<T>(term, first);
    append_le<T>(term, last);
    append_le<T>(term, 0);  // translation
    append_le<T>(term, static_cast<T>(last - first + 1));
    return term;
}
constexpr u8 kDword = 0x87, kWord = 0x88;

}  // namespace

Term join(std::initializer_list<Term> terms) {
    Term all;
    for (const Term& term : terms) all.insert(all.end(), term.begin(), term.end());
    return all;
}

Term name_string(std::string_view name) {
    Term term;
    if (name.starts_with('\\')) {
        term.push_back('\\');
        name.remove_prefix(1);
    }
    CHECK(!name.empty() && name.size() <= 4);
    term.insert(term.end(), name.begin(), name.end());
    term.insert(term.end(), 4 - name.size(), u8{'_'});
    return term;
}

Term integer(u64 value) {
    if (value <= 1) return {static_cast<u8>(value)};  // ZeroOp, OneOp
    Term term;
    if (value <= 0xFF) {
        term.push_back(0x0A);
        append_le<u8>(term, static_cast<u8>(value));
    } else if (value <= 0xFFFF) {
        term.push_back(0x0B);
        append_le<u16>(term, static_cast<u16>(value));
    } else {
        CHECK(value <= 0xFFFFFFFF);
        term.push_back(0x0C);
        append_le<u32>(term, static_cast<u32>(value));
    }
    return term;
}

Term eisa_id(std::string_view id) {
    CHECK(id.size() == 7);
    const auto letter = [&](std::size_t i) { return static_cast<u32>(id[i] - '@') & 31u; };
    const auto digit = [&](std::size_t i) { return static_cast<u32>(id[i] <= '9' ? id[i] - '0' : id[i] - 'A' + 10); };
    const u32 value =
        letter(0) << 26 | letter(1) << 21 | letter(2) << 16 | digit(3) << 12 | digit(4) << 8 | digit(5) << 4 | digit(6);
    return integer(__builtin_bswap32(value));
}

Term string(std::string_view text) {
    Term term{0x0D};
    term.insert(term.end(), text.begin(), text.end());
    term.push_back(0);
    return term;
}

Term package(const std::vector<Term>& elements) {
    CHECK(elements.size() <= 255);
    Term body{static_cast<u8>(elements.size())};
    for (const Term& element : elements) body.insert(body.end(), element.begin(), element.end());
    return join({{0x12}, with_length(body)});
}

Term buffer(const Term& bytes) { return join({{0x11}, with_length(join({integer(bytes.size()), bytes}))}); }

Term name(std::string_view name, const Term& value) { return join({{0x08}, name_string(name), value}); }

Term scope(std::string_view name, const Term& body) {
    return join({{0x10}, with_length(join({name_string(name), body}))});
}

Term device(std::string_view name, const Term& body) {
    return join({{0x5B, 0x82}, with_length(join({name_string(name), body}))});
}

Term processor(std::string_view name, u8 acpi_id) {
    // No P_BLK: neither throttling nor C2 and C3.
    return join({{0x5B, 0x83}, with_length(join({name_string(name), {acpi_id, 0, 0, 0, 0, 0}}))});
}

Term resources(std::initializer_list<Term> descriptors) { return buffer(join({join(descriptors), {0x79, 0}})); }

Term io_ports(u16 base, u8 length) {
    const u8 low = static_cast<u8>(base), high = static_cast<u8>(base >> 8);
    return {0x47, 1, low, high, low, high, 1, length};
}

Term irq(u8 number) {
    Term term{0x22};
    append_le<u16>(term, static_cast<u16>(1u << number));
    return term;
}

Term dma(u8 channel) { return {0x2A, static_cast<u8>(1u << channel), 0}; }

Term memory32_fixed(u32 base, u32 length) {
    Term term{0x86, 9, 0, 0};  // read-only or not: nothing that decodes here is memory
    append_le<u32>(term, base);
    append_le<u32>(term, length);
    return term;
}

Term bus_range(u16 first, u16 last) { return window<u16>(kWord, 2, 0, first, last); }

Term io_window(u16 first, u16 last) { return window<u16>(kWord, 1, 3, first, last); }

Term memory_window(u32 first, u32 last, bool cacheable) {
    return window<u32>(kDword, 0, static_cast<u8>(1 | (cacheable ? 2 : 0)), first, last);
}

}  // namespace bantam::boot::aml
