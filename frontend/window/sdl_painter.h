// SdlPainter: what brings pictures into SDL's window. With a GPU that is SDL's renderer, without one our own drawing
// into memory that is shared with the X server. Parts of the module bantam-window.so.
#pragma once

#include <SDL2/SDL.h>

#include <memory>

#include "devices/frame.h"
#include "frontend/window/screen.h"

namespace bantam::frontend {

class SdlPainter {
public:
    virtual ~SdlPainter() = default;
    /// Of the window's inside, in dots.
    virtual void size(int& width, int& height) = 0;
    // As Screen's.
    virtual void upload(const devices::Frame& frame) = 0;
    virtual void upload_panel(const devices::Frame& frame) = 0;
    virtual void show(const Placement& picture, const Placement& panel) = 0;
};

/// The window is hidden: a renderer may replace it by another one. Null: SDL_GetError() says why.
std::unique_ptr<SdlPainter> make_renderer_painter(SDL_Window* window);
/// Null where the window has no memory of 32 bits a dot that could be drawn into.
std::unique_ptr<SdlPainter> make_surface_painter(SDL_Window* window);

}  // namespace bantam::frontend
