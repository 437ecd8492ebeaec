// The window by SDL 2 (https://wiki.libsdl.org/SDL2): the module bantam-window.so.
#include <SDL2/SDL.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "frontend/version.h"
#include "frontend/window/screen.h"
#include "frontend/window/sdl_painter.h"

namespace bantam::frontend {
namespace {

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
        painter_.reset();
        if (window_ != nullptr) SDL_DestroyWindow(window_);
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
    }

    bool open() {
        SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
        SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
        // Not SDL's drivers without a screen, nor the text console; the environment's SDL_VIDEODRIVER goes first.
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11,wayland");
        if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) return false;
        SDL_EnableScreenSaver();
        // Hidden at first: a renderer may replace the window by another one.
        window_ = SDL_CreateWindow("Bantam", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 640, 480,
                                   SDL_WINDOW_RESIZABLE | SDL_WINDOW_HIDDEN);
        if (window_ == nullptr) return false;
        // SDL would show the window's memory by OpenGL: without a GPU that costs three times what all the rest does.
        // Elsewhere than on X11 it has no other way.
        if (std::string_view(SDL_GetCurrentVideoDriver()) == "x11") SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
        // Who names a renderer of SDL's gets it.
        const bool chosen = std::getenv("SDL_RENDER_DRIVER") != nullptr;
        if (!chosen && !host_has_gpu()) painter_ = make_surface_painter(window_);
        if (painter_ == nullptr) painter_ = make_renderer_painter(window_);
        if (painter_ == nullptr) return false;
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
    void size(int& width, int& height) override { painter_->size(width, height); }
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

    void upload(const devices::Frame& frame) override { painter_->upload(frame); }
    void upload_panel(const devices::Frame& frame) override { painter_->upload_panel(frame); }
    void show(const Placement& picture, const Placement& panel) override { painter_->show(picture, panel); }

private:
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
    std::unique_ptr<SdlPainter> painter_;
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
