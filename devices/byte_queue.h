// ByteQueue: a first-in first-out buffer of at most N bytes, as FIFOs and keyboard buffers are.
#pragma once

#include <array>

#include "base/archive.h"
#include "base/types.h"

namespace bantam::devices {

template <unsigned N>
class ByteQueue {
public:
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] bool full() const { return count_ == N; }
    [[nodiscard]] unsigned size() const { return count_; }
    [[nodiscard]] unsigned room() const { return N - count_; }
    /// The oldest byte; 0 when empty.
    [[nodiscard]] u8 front() const { return count_ == 0 ? u8{0} : bytes_[head_]; }
    /// The i-th oldest byte, i < size().
    [[nodiscard]] u8 at(unsigned i) const { return bytes_[(head_ + i) % N]; }

    /// Appends; false (and nothing changed) when full.
    bool push(u8 byte) {
        if (full()) return false;
        bytes_[(head_ + count_) % N] = byte;
        ++count_;
        return true;
    }
    /// Removes and returns the oldest byte; 0 when empty.
    u8 pop() {
        if (empty()) return 0;
        const u8 byte = bytes_[head_];
        head_ = static_cast<u16>((head_ + 1) % N);
        --count_;
        return byte;
    }
    void clear() { *this = {}; }

    void describe(Archive& archive) {
        archive.bytes("bytes", bytes_.data(), bytes_.size());
        archive.field("head", head_);
        archive.field("count", count_);
        if (archive.loading()) {
            head_ = static_cast<u16>(head_ % N);
            if (count_ > N) count_ = N;
        }
    }

private:
    std::array<u8, N> bytes_{};
    u16 head_ = 0;
    u16 count_ = 0;
};

}  // namespace bantam::devices
