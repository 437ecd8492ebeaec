// Film: what the guest showed over time, as an animated PNG ("APNG Specification", Mozilla wiki): guest time is the
// film's time. Programs that know no APNG show the last picture.
#pragma once

#include <span>
#include <vector>

#include "devices/frame.h"

namespace bantam::scenario {

class Film {
public:
    /// Of guest time: pictures that follow faster are left out.
    static constexpr u64 kLeast_ns = 100'000'000;
    /// Then it ends: a film is to be looked at.
    static constexpr std::size_t kMostPictures = 5000, kMostBytes = std::size_t{256} << 20;

    /// The screen is `frame` from `now_ns` on.
    void add(const devices::Frame& frame, u64 now_ns);
    /// The file's bytes; the last picture is there until `end_ns`. Empty without pictures.
    [[nodiscard]] std::vector<u8> encode(u64 end_ns) const;
    [[nodiscard]] std::size_t pictures() const { return pictures_.size(); }

private:
    struct Picture {
        u64 begin_ns;
        unsigned width, height;
        std::vector<u8> packed;
    };
    std::vector<Picture> pictures_;
    std::size_t bytes_ = 0;
};

}  // namespace bantam::scenario
