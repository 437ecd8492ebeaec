// The window by SDL 2 (https://wiki.libsdl.org/SDL2): the module bantam-window.so. SDL picks the renderer where there
// is a GPU; elsewhere its software renderer draws into memory shared with the X server. At whole factors a picture's
// dots become squares; in between it is enlarged by the next whole factor first and then shrunk smoothly, so that edges
// stay sharp.
#include <SDL2/SDL.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "frontend/version.h"
#include "frontend/window/screen.h"

namespace bantam::frontend {
namespace {

constexpr Uint8 kDimmed = 90;  // of 255: a picture behind a panel

/// The host has a GPU that OpenGL can draw with: a render node of the kernel, NVIDIA's own driver, or WSL's. Asking
/// OpenGL itself would load Mesa's software renderer where there is none: 0.1 s and 75 MiB.
bool host_has_gpu() {
    std::error_code error;
    for (const auto& node : std::filesystem::directory_iterator("/dev/dri", error)) {
        if (node.path().filename().string().starts_with("renderD")) return true;
    }
    return std::filesystem::exists("/dev/nvidiactl", error) || std::filesystem::exists("/dev/dxg", error);
}

class SdlScreen final : public Screen {
public:
    ~SdlScreen() override {
        drop_textures();
        if (panel_ != nullptr) SDL_DestroyTexture(panel_);
        if (renderer_ != nullptr) SDL_DestroyRenderer(renderer_);
        if (window_ != nullptr) SDL_DestroyWindow(window_);
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
    }

    bool open() {
        SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
        SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
        // Not SDL's drivers without a screen, nor the text console; the environment's SDL_VIDEODRIVER goes first.
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11,wayland");
        // SDL's software renderer puts its picture on the screen by OpenGL if it may: without a GPU that costs three
        // times what all the rest does.
        SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
        if (!host_has_gpu()) SDL_SetHint(SDL_HINT_RENDER_DRIVER, "software");
        if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) return false;
        SDL_EnableScreenSaver();
        // Hidden at first: a renderer may replace the window by another one.
        window_ = SDL_CreateWindow("Bantam", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 640, 480,
                                   SDL_WINDOW_RESIZABLE | SDL_WINDOW_HIDDEN);
        if (window_ == nullptr) return false;
        renderer_ = SDL_CreateRenderer(window_, -1, 0);
        if (renderer_ == nullptr) renderer_ = SDL_CreateRenderer(window_, -1, SDL_RENDERER_SOFTWARE);
        if (renderer_ == nullptr) return false;
        wake_type_ = SDL_RegisterEvents(1);
        SDL_ShowWindow(window_);
        return true;
    }

    std::optional<ScreenEvent> wait(int timeout_ms) override {
        SDL_Event event;
        if (SDL_WaitEventTimeout(&event, timeout_ms) == 0) return std::nullopt;
        return translated(event);
    }
    void wake() override {
        SDL_Event event{};
        event.type = wake_type_;
        SDL_PushEvent(&event);
    }
    void set_title(const std::string& title) override { SDL_SetWindowTitle(window_, title.c_str()); }
    void set_size(int width, int height) override {
        if ((SDL_GetWindowFlags(window_) & SDL_WINDOW_FULLSCREEN) == 0) SDL_SetWindowSize(window_, width, height);
    }
    void size(int& width, int& height) override { SDL_GetRendererOutputSize(renderer_, &width, &height); }
    void set_full_screen(bool full) override {
        SDL_SetWindowFullscreen(window_, full ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    }
    std::string clipboard() override {
        char* text = SDL_GetClipboardText();
        std::string copied = text != nullptr ? text : "";
        SDL_free(text);
        return copied;
    }
    void capture(bool on) override {
        SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
        SDL_SetWindowKeyboardGrab(window_, on ? SDL_TRUE : SDL_FALSE);
    }
    void show_pointer(bool on) override { SDL_ShowCursor(on ? SDL_ENABLE : SDL_DISABLE); }

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

    std::optional<ScreenEvent> translated(const SDL_Event& event) {
        using Kind = ScreenEvent::Kind;
        ScreenEvent to;
        if (event.type == wake_type_) return to;
        switch (event.type) {
            case SDL_QUIT:
                to.kind = Kind::closed;
                return to;
            case SDL_WINDOWEVENT:
                if (event.window.event == SDL_WINDOWEVENT_FOCUS_LOST) {
                    to.kind = Kind::focus_lost;
                    return to;
                }
                if (event.window.event != SDL_WINDOWEVENT_EXPOSED &&
                    event.window.event != SDL_WINDOWEVENT_SIZE_CHANGED) {
                    return std::nullopt;
                }
                to.kind = Kind::exposed;
                return to;
            case SDL_RENDER_TARGETS_RESET:
            case SDL_RENDER_DEVICE_RESET:
                to.kind = Kind::exposed;
                return to;
            case SDL_KEYDOWN:
            case SDL_KEYUP:
                to.kind = Kind::key;
                to.key_usage = static_cast<unsigned>(event.key.keysym.scancode);  // SDL numbers keys by HID usage
                to.pressed = event.type == SDL_KEYDOWN;
                to.repeated = event.key.repeat != 0;
                return to;
            case SDL_TEXTINPUT:
                to.kind = Kind::text;
                to.text = event.text.text;
                return to;
            case SDL_MOUSEMOTION:
                to.kind = Kind::mouse_moved;
                to.x = event.motion.x;
                to.y = event.motion.y;
                to.dx = event.motion.xrel;
                to.dy = event.motion.yrel;
                return to;
            case SDL_MOUSEBUTTONDOWN:
            case SDL_MOUSEBUTTONUP:
                if (event.button.button > SDL_BUTTON_RIGHT) return std::nullopt;
                to.kind = Kind::mouse_button;
                to.button = event.button.button == SDL_BUTTON_LEFT    ? 0
                            : event.button.button == SDL_BUTTON_RIGHT ? 1
                                                                      : 2;
                to.pressed = event.type == SDL_MOUSEBUTTONDOWN;
                to.x = event.button.x;
                to.y = event.button.y;
                return to;
            case SDL_MOUSEWHEEL:
                to.kind = Kind::wheel;
                to.dy = -event.wheel.y;
                return to;
            case SDL_DROPFILE:
                to.kind = Kind::file_dropped;
                to.text = event.drop.file;
                SDL_free(event.drop.file);
                return to;
            default:
                return std::nullopt;
        }
    }

    SDL_Window* window_ = nullptr;
    SDL_Renderer* renderer_ = nullptr;
    SDL_Texture* picture_ = nullptr;
    SDL_Texture* enlarged_ = nullptr;
    SDL_Texture* panel_ = nullptr;
    int width_ = 0, height_ = 0;  // of the picture
    int panel_width_ = 0;
    Uint32 wake_type_ = 0;
};

}  // namespace
}  // namespace bantam::frontend

extern "C" [[gnu::visibility("default")]] bantam::frontend::Screen* bantam_open_screen(const char* version,
                                                                                       std::string& error) {
    using bantam::frontend::SdlScreen;
    if (std::string_view(version) != bantam::frontend::kVersion) {
        error = "bantam-window.so belongs to another version of Bantam";
        return nullptr;
    }
    auto screen = std::make_unique<SdlScreen>();
    if (screen->open()) return screen.release();
    error = SDL_GetError();
    return nullptr;
}
