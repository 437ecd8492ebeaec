// Archive: the state visitor. A component lists its fields once, in describe(Archive&); hashing, printing and (later)
// saving and loading are Archives. Names are stable: they identify fields in saved state.
#pragma once

#include <array>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/types.h"

namespace bantam {

class Archive {
public:
    virtual ~Archive() = default;

    /// True when fields are written into the machine (load), false when they are read from it (hash, print, save).
    [[nodiscard]] virtual bool loading() const = 0;

    /// Fields visited until the matching end_section belong to `name`.
    virtual void begin_section(std::string_view name) = 0;
    virtual void end_section() = 0;

    /// One scalar of `size` bytes (1, 2, 4 or 8), as an unsigned value in `value`.
    virtual void scalar(std::string_view name, u64& value, unsigned size) = 0;

    /// A block of raw bytes whose length does not change.
    virtual void bytes(std::string_view name, void* data, std::size_t size) = 0;

    template <class T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>) void field(std::string_view name, T& value) {
        u64 wide = static_cast<u64>(value);
        scalar(name, wide, sizeof(T));
        if (loading()) value = static_cast<T>(wide);
    }

    template <class T, std::size_t N>
    void field(std::string_view name, std::array<T, N>& values) {
        begin_section(name);
        for (T& value : values) field("item", value);
        end_section();
    }

    /// Any object with describe(Archive&) becomes a section of its own.
    template <class T>
    requires requires(T& object, Archive& archive) { object.describe(archive); }
    void field(std::string_view name, T& object) {
        begin_section(name);
        object.describe(*this);
        end_section();
    }
};

/// Order- and name-sensitive 64-bit FNV-1a over everything visited.
class HashArchive final : public Archive {
public:
    [[nodiscard]] bool loading() const override { return false; }
    void begin_section(std::string_view name) override;
    void end_section() override;
    void scalar(std::string_view name, u64& value, unsigned size) override;
    void bytes(std::string_view name, void* data, std::size_t size) override;
    [[nodiscard]] u64 hash() const { return hash_; }

private:
    void mix(const void* data, std::size_t size);
    u64 hash_ = 0xCBF29CE484222325;
};

}  // namespace bantam
