// SDL's renderer (https://wiki.libsdl.org/SDL2/CategoryRender). At whole factors a picture's dots become squares; in
// between it is enlarged by the next whole factor first and then shrunk smoothly, so that edges stay sharp.
#include "frontend/window/sdl_painter.h"

namespace bantam::frontend {
namespace {

constexpr Uint8 kDimmed = 90;  // of 255: a picture behind a panel

class RendererPainter final : public SdlPainter {
public:
    explicit RendererPainter(SDL_Renderer* renderer) : renderer_(renderer) {}
    ~RendererPainter() override {
        drop_textures();
        if (panel_ != nullptr) SDL_DestroyTexture(panel_);
        SDL_DestroyRenderer(renderer_);
    }
    RendererPainter(const RendererPainter&) = delete;
    RendererPainter& operator=(const RendererPainter&) = delete;

    void size(int& width, int& height) override { SDL_GetRendererOutputSize(renderer_, &width, &height); }

    void upload(const devices::Frame& frame) override {
        const int width = static_cast<int>(frame.width), height = static_cast<int>(frame.height);
        if (picture_ == nullptr || width != width_ || height != height_) {
            drop_textures();
            width_ = width;
            height_ = height;
            picture_ = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING, width, height);
            SDL_SetTextureScaleMode(picture_, SDL_ScaleModeNearest);
        }
        SDL_UpdateTexture(picture_, nullptr, frame.pixels.data(), width * 4);
    }

    void upload_panel(const devices::Frame& frame) override {
        const int width = static_cast<int>(frame.width), height = static_cast<int>(frame.height);
        if (panel_ != nullptr) SDL_DestroyTexture(panel_);
        panel_ = nullptr;
        if (frame.width == 0) return;
        panel_width_ = width;
        panel_ = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STATIC, width, height);
        SDL_UpdateTexture(panel_, nullptr, frame.pixels.data(), width * 4);
    }

    void show(const Placement& picture, const Placement& panel) override {
        const SDL_Rect where{picture.x, picture.y, picture.width, picture.height};
        SDL_Texture* from = picture_;
        if (picture_ != nullptr && (where.w % width_ != 0 || where.h % height_ != 0)) from = enlarged(where);
        SDL_SetRenderDrawColor(renderer_, 0, 0, 0, 255);
        SDL_RenderClear(renderer_);
        const Uint8 light = panel_ != nullptr ? kDimmed : 255;
        if (from != nullptr) {
            SDL_SetTextureColorMod(from, light, light, light);
            SDL_RenderCopy(renderer_, from, nullptr, &where);
            SDL_SetTextureColorMod(from, 255, 255, 255);
        }
        if (panel_ != nullptr) {
            const SDL_Rect before{panel.x, panel.y, panel.width, panel.height};
            const bool shrunk = panel.width < panel_width_;
            SDL_SetTextureScaleMode(panel_, shrunk ? SDL_ScaleModeLinear : SDL_ScaleModeNearest);
            SDL_RenderCopy(renderer_, panel_, nullptr, &before);
        }
        SDL_RenderPresent(renderer_);
    }

private:
    void drop_textures() {
        if (picture_ != nullptr) SDL_DestroyTexture(picture_);
        if (enlarged_ != nullptr) SDL_DestroyTexture(enlarged_);
        picture_ = enlarged_ = nullptr;
    }

    /// The picture at the next whole factors; the picture itself when the renderer cannot hold that.
    SDL_Texture* enlarged(const SDL_Rect& where) {
        const int width = (where.w + width_ - 1) / width_ * width_;
        const int height = (where.h + height_ - 1) / height_ * height_;
        int has_width = 0, has_height = 0;
        if (enlarged_ != nullptr) SDL_QueryTexture(enlarged_, nullptr, nullptr, &has_width, &has_height);
        if (has_width != width || has_height != height) {
            if (enlarged_ != nullptr) SDL_DestroyTexture(enlarged_);
            enlarged_ = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_TARGET, width, height);
            if (enlarged_ == nullptr) return picture_;
            SDL_SetTextureScaleMode(enlarged_, SDL_ScaleModeLinear);
        }
        if (SDL_SetRenderTarget(renderer_, enlarged_) != 0) return picture_;
        SDL_RenderCopy(renderer_, picture_, nullptr, nullptr);
        SDL_SetRenderTarget(renderer_, nullptr);
        return enlarged_;
    }

    SDL_Renderer* renderer_;
    SDL_Texture* picture_ = nullptr;
    SDL_Texture* enlarged_ = nullptr;
    SDL_Texture* panel_ = nullptr;
    int width_ = 0, height_ = 0;  // of the picture
    int panel_width_ = 0;
};

}  // namespace

std::unique_ptr<SdlPainter> make_renderer_painter(SDL_Window* window) {
    SDL_Renderer* renderer = SDL_CreateRenderer(window, -1, 0);
    if (renderer == nullptr) renderer = SDL_CreateRenderer(window, -1, SDL_RENDERER_SOFTWARE);
    if (renderer == nullptr) return nullptr;
    return std::make_unique<RendererPainter>(renderer);
}

}  // namespace bantam::frontend
