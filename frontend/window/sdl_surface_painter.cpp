// The window's own memory (https://wiki.libsdl.org/SDL2/SDL_GetWindowSurface), which the X server shares: no texture in
// between.
#include <array>

#include "frontend/window/enlarger.h"
#include "frontend/window/sdl_painter.h"

namespace bantam::frontend {
namespace {

constexpr Uint32 kFormat = SDL_PIXELFORMAT_RGB888;  // a Frame's

/// Three eighths of a dot's light: a picture behind a panel.
constexpr u32 dimmed(u32 dot) { return (dot >> 2 & 0x3F3F3F) + (dot >> 3 & 0x1F1F1F); }

class SurfacePainter final : public SdlPainter {
public:
    explicit SurfacePainter(SDL_Window* window) : window_(window) {}

    void size(int& width, int& height) override { SDL_GetWindowSize(window_, &width, &height); }
    void upload(const devices::Frame& frame) override { picture_ = frame; }
    void upload_panel(const devices::Frame& frame) override { panel_ = frame; }

    void show(const Placement& picture, const Placement& panel) override {
        SDL_Surface* surface = SDL_GetWindowSurface(window_);  // another one when the window has another size
        if (surface == nullptr) return;
        clear_beside(surface, picture);
        if (picture_.width != 0 && picture.width != 0) {
            draw_picture(surface, {picture.x, picture.y, picture.width, picture.height});
            if (panel_.width != 0) dim(surface, picture);
        }
        if (panel_.width != 0) stretch(panel_, surface, {panel.x, panel.y, panel.width, panel.height});
        SDL_UpdateWindowSurface(window_);
    }

private:
    static void clear_beside(SDL_Surface* surface, const Placement& picture) {
        const int right = picture.x + picture.width, below = picture.y + picture.height;
        const std::array<SDL_Rect, 4> parts{{{0, 0, surface->w, picture.y},
                                             {0, below, surface->w, surface->h - below},
                                             {0, picture.y, picture.x, picture.height},
                                             {right, picture.y, surface->w - right, picture.height}}};
        SDL_FillRects(surface, parts.data(), static_cast<int>(parts.size()), 0);
    }

    void draw_picture(SDL_Surface* surface, const SDL_Rect& where) {
        const auto width = static_cast<unsigned>(where.w), height = static_cast<unsigned>(where.h);
        if (width < picture_.width || height < picture_.height) return stretch(picture_, surface, where);
        const auto pitch = static_cast<std::size_t>(surface->pitch) / sizeof(u32);
        const std::span all(static_cast<u32*>(surface->pixels), pitch * static_cast<std::size_t>(surface->h));
        enlarger_.draw(picture_, width, height,
                       all.subspan(static_cast<std::size_t>(where.y) * pitch + static_cast<std::size_t>(where.x)),
                       pitch);
    }

    static void dim(SDL_Surface* surface, const Placement& picture) {
        for (int y = picture.y; y < picture.y + picture.height; ++y) {
            u32* row = reinterpret_cast<u32*>(static_cast<u8*>(surface->pixels) + std::ptrdiff_t{y} * surface->pitch);
            for (int x = picture.x; x < picture.x + picture.width; ++x) row[x] = dimmed(row[x]);
        }
    }

    /// Whole factors give squares, smaller ones smooth dots.
    static void stretch(devices::Frame& frame, SDL_Surface* surface, SDL_Rect where) {
        SDL_Surface* from = SDL_CreateRGBSurfaceWithFormatFrom(frame.pixels.data(), static_cast<int>(frame.width),
                                                               static_cast<int>(frame.height), 32,
                                                               static_cast<int>(frame.width * sizeof(u32)), kFormat);
        if (from == nullptr) return;
        if (where.w < from->w || where.h < from->h) {
            SDL_SoftStretchLinear(from, nullptr, surface, &where);
        } else {
            SDL_BlitScaled(from, nullptr, surface, &where);
        }
        SDL_FreeSurface(from);
    }

    SDL_Window* window_;
    devices::Frame picture_, panel_;
    Enlarger enlarger_;
};

}  // namespace

std::unique_ptr<SdlPainter> make_surface_painter(SDL_Window* window) {
    if (SDL_GetWindowPixelFormat(window) != kFormat) return nullptr;
    const SDL_Surface* surface = SDL_GetWindowSurface(window);
    if (surface == nullptr || surface->format->format != kFormat || SDL_MUSTLOCK(surface)) return nullptr;
    return std::make_unique<SurfacePainter>(window);
}

}  // namespace bantam::frontend
