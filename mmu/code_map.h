// CodeMap: which bytes of a page are decoded code.
#pragma once

#include <array>

#include "base/types.h"

namespace bantam {

class CodeMap {
public:
    /// Marks (unmarks) the bytes at offsets [first, end), which are not none.
    void set(u64 first, u64 end) {
        for_words(first, end, [this](u64 word, u64 bits) { words_[word] |= bits; });
    }
    void reset(u64 first, u64 end) {
        for_words(first, end, [this](u64 word, u64 bits) { words_[word] &= ~bits; });
    }
    [[nodiscard]] bool any(u64 first, u64 end) const {
        u64 found = 0;
        for_words(first, end, [&](u64 word, u64 bits) { found |= words_[word] & bits; });
        return found != 0;
    }
    /// For translated code: bit n & 7 of byte n / 8 stands for offset n. Eight bytes can be read from each.
    [[nodiscard]] const void* bits() const { return words_.data(); }

private:
    template <class Do>
    static void for_words(u64 first, u64 end, Do with) {
        const u64 last = end - 1;
        for (u64 word = first / 64; word <= last / 64; ++word) {
            u64 bits = ~u64{0};
            if (word == first / 64) bits &= ~u64{0} << first % 64;
            if (word == last / 64) bits &= ~u64{0} >> (63 - last % 64);
            with(word, bits);
        }
    }

    std::array<u64, kPageSize / 64 + 1> words_{};  // the last one is always zero
};

}  // namespace bantam
