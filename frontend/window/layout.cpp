#include "frontend/window/layout.h"

#include <algorithm>

namespace bantam::frontend {
namespace {

struct Shape {
    i64 across, down;
};
Shape shape_of(unsigned width, unsigned height) {
    constexpr unsigned kVgaWidth = 720, kVgaHeight = 480;
    if (width <= kVgaWidth && height <= kVgaHeight) return {4, 3};
    return {width, height};
}

}  // namespace

Placement place_picture(unsigned width, unsigned height, int window_width, int window_height, Scaling scaling) {
    Placement place;
    const int w = static_cast<int>(width), h = static_cast<int>(height);
    if (w == 0 || h == 0 || window_width <= 0 || window_height <= 0) return place;
    const int factor = std::min(window_width / w, window_height / h);
    if (scaling == Scaling::whole && factor >= 1) {
        place.width = w * factor;
        place.height = h * factor;
    } else {
        const Shape shape = shape_of(width, height);
        const i64 by_height = (window_height * shape.across + shape.down / 2) / shape.down;
        const i64 by_width = (window_width * shape.down + shape.across / 2) / shape.across;
        place.width = static_cast<int>(std::clamp<i64>(by_height, 1, window_width));
        place.height = static_cast<int>(std::clamp<i64>(by_width, 1, window_height));
    }
    place.x = (window_width - place.width) / 2;
    place.y = (window_height - place.height) / 2;
    return place;
}

Placement place_panel(unsigned width, unsigned height, int window_width, int window_height) {
    Placement place;
    const int w = static_cast<int>(width), h = static_cast<int>(height);
    if (w == 0 || h == 0 || window_width <= 0 || window_height <= 0) return place;
    const int factor = std::min(window_width / w, window_height / h);
    const double shrunk =
        std::min({1.0, static_cast<double>(window_width) / w, static_cast<double>(window_height) / h});
    place.width = factor >= 1 ? w * factor : std::max(static_cast<int>(w * shrunk), 1);
    place.height = factor >= 1 ? h * factor : std::max(static_cast<int>(h * shrunk), 1);
    place.x = (window_width - place.width) / 2;
    place.y = (window_height - place.height) / 2;
    return place;
}

PicturePoint point_on_picture(const Placement& place, int x, int y) {
    const auto across = [](i64 at, i64 extent) {
        constexpr i64 kMost = 0xFFFF;
        return static_cast<unsigned>(extent <= 1 ? 0 : std::clamp<i64>(at * kMost / (extent - 1), 0, kMost));
    };
    return {across(x - place.x, place.width), across(y - place.y, place.height)};
}

Placement natural_window(unsigned width, unsigned height, Scaling scaling) {
    const int w = static_cast<int>(width), h = static_cast<int>(height);
    if (scaling == Scaling::whole) return {.x = 0, .y = 0, .width = w, .height = h};
    const Shape shape = shape_of(width, height);
    const int down = static_cast<int>((width * shape.down + shape.across / 2) / shape.across);
    if (down >= h) return {.x = 0, .y = 0, .width = w, .height = down};
    return {
        .x = 0, .y = 0, .width = static_cast<int>((height * shape.across + shape.down / 2) / shape.down), .height = h};
}

}  // namespace bantam::frontend
