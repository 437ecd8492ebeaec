// Where a guest's picture lies in a window, and how large a window suits it. Modes of the VGA (up to 720x480) filled a
// 4:3 monitor whatever their dots; larger ones have square dots.
#pragma once

#include "frontend/window/screen.h"

namespace bantam::frontend {

enum class Scaling {
    aspect,  // as large as fits, in the shape a monitor shows
    whole,   // every dot a square of whole pixels
};

/// The picture's place in a window of that size, centred. Whole squares need a window that holds the picture at least
/// once; in a smaller one the picture is shrunk as by Scaling::aspect.
Placement place_picture(unsigned width, unsigned height, int window_width, int window_height, Scaling scaling);

/// The place of a panel of ours: centred, at the largest whole factor that leaves room around it, or shrunk.
Placement place_panel(unsigned width, unsigned height, int window_width, int window_height);

/// Where on the picture a point of the window lies, 0 to 65535 each across all of it; outside: on its edge.
struct PicturePoint {
    unsigned x = 0, y = 0;
};
PicturePoint point_on_picture(const Placement& place, int x, int y);

/// The window without borders for a picture at its own size.
Placement natural_window(unsigned width, unsigned height, Scaling scaling);

}  // namespace bantam::frontend
