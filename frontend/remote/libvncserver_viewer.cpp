// RFB by LibVNCServer (https://libvnc.github.io): the module bantam-vnc.so. Each viewer has a screen of the library's
// to itself, with a frame buffer of its own, served on one thread: the library waits where a viewer is slow, and then
// only that viewer waits; and nothing of a screen is shared between threads. What the library does share is settled
// before the first viewer comes (prepare()). RFB's extension for keys by place (QEMU Extended Key Event Message:
// rfbproto, "QEMU Extended Key Event Pseudo-encoding") is added here.
#include <poll.h>
#include <rfb/rfb.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/remote/vnc_library.h"
#include "frontend/version.h"

namespace bantam::frontend {
namespace {

constexpr int kMostWait_ms = 10'000;       // for the rest of a message, or for room to send
constexpr int kMostHandshake_ms = 30'000;  // until a viewer has shown who it is

void (*log_line)(const std::string&) = nullptr;

[[gnu::format(printf, 1, 2)]] void take_log(const char* format, ...) {
    std::array<char, 512> text{};
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text.data(), text.size(), format, arguments);
    va_end(arguments);
    std::string line = text.data();
    while (line.ends_with('\n')) line.pop_back();
    log_line(line);
}

i64 now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return i64{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

rfbCursorPtr make_arrow() {
    char shape[] =
        "        "
        " x      "
        " xx     "
        " xxx    "
        " xxxx   "
        " xxxxx  "
        " xxxx   "
        " x xx   "
        "    xx  "
        "    xx  "
        "        ";
    char mask[] =
        "xx      "
        "xxx     "
        "xxxx    "
        "xxxxx   "
        "xxxxxx  "
        "xxxxxxx "
        "xxxxxx  "
        "xxxxxx  "
        "xx xxxx "
        "   xxxx "
        "    xx  ";
    const rfbCursorPtr cursor = rfbMakeXCursor(8, 11, shape, mask);
    cursor->foreRed = cursor->foreGreen = cursor->foreBlue = 0xFFFF;
    cursor->backRed = cursor->backGreen = cursor->backBlue = 0;
    return cursor;
}

class Viewer {
public:
    Viewer(VncHost& host, char** passwords, bool web_socket)
        : host_(host), passwords_(passwords), web_socket_(web_socket) {}
    ~Viewer() {
        if (screen_ != nullptr) rfbScreenCleanup(screen_);
    }
    Viewer(const Viewer&) = delete;
    Viewer& operator=(const Viewer&) = delete;

    void serve(int socket) {
        if (socket >= FD_SETSIZE || !open_screen()) {  // the library waits by select()
            ::close(socket);
            return;
        }
        began_ms_ = now_ms();
        client_ = rfbNewClient(screen_, socket);  // also closes it where it gives none
        while (client_ != nullptr && !host_.ending() && in_time()) {
            show(host_.picture());
            show_pointer();
            process();
            if (client_ == nullptr) break;
            note_state();
            wait();
        }
        if (client_ != nullptr) rfbCloseClient(client_);
    }

    static rfbBool take_extension(rfbClientPtr, void**) { return TRUE; }
    static rfbBool take_encoding(rfbClientPtr client, void**, int encoding) {
        if (encoding != static_cast<int>(rfbEncodingQemuExtendedKeyEvent)) return FALSE;
        of(client).wants_scan_codes_ = true;
        return TRUE;
    }
    static rfbBool take_message(rfbClientPtr client, void*, const rfbClientToServerMsg* message) {
        if (message->type != rfbQemuEvent) return FALSE;
        rfbQemuExtendedKeyEventMsg event{};
        if (rfbReadExact(client, reinterpret_cast<char*>(&event) + 1, sz_rfbQemuExtendedKeyEventMsg - 1) <= 0 ||
            event.subtype != 0) {
            rfbCloseClient(client);
            return TRUE;
        }
        // The code's E0 prefix travels as its bit 7; print screen by the number it has without Alt's.
        const u32 code = Swap32IfLE(event.keycode);
        std::optional<u16> scan_code;
        if (code == 0x54) {
            scan_code = u16{0xE037};
        } else if (code != 0 && code <= 0xFF) {
            scan_code = static_cast<u16>((code & 0x80) != 0 ? 0xE000 | (code & 0x7F) : code);
        }
        of(client).host_.key(Swap32IfLE(event.keysym), scan_code, event.down != 0);
        return TRUE;
    }

private:
    static Viewer& of(rfbClientPtr client) { return *static_cast<Viewer*>(client->screen->screenData); }

    /// What version 0.9.14 does not free of a client that goes: 45 KiB of each WebSocket, a few bytes of each
    /// extension.
    static void free_forgotten(rfbClientPtr client) {
        std::free(client->wsctx);
        client->wsctx = nullptr;
        while (client->extensions != nullptr) std::free(std::exchange(client->extensions, client->extensions->next));
    }

    bool open_screen() {
        const std::shared_ptr<const devices::Frame> picture = host_.picture();
        buffer_ = picture->pixels;
        width_ = picture->width;
        height_ = picture->height;
        screen_ = rfbGetScreen(nullptr, nullptr, static_cast<int>(width_), static_cast<int>(height_), 8, 3, 4);
        if (screen_ == nullptr) return false;
        screen_->screenData = this;
        screen_->desktopName = "Bantam";
        screen_->frameBuffer = reinterpret_cast<char*>(buffer_.data());
        screen_->cursor = nullptr;  // the library's own would be drawn into the picture
        screen_->autoPort = FALSE;
        screen_->port = screen_->ipv6port = 0;
        screen_->alwaysShared = TRUE;
        screen_->deferUpdateTime = screen_->deferPtrUpdateTime = 0;
        screen_->maxClientWait = kMostWait_ms;
        screen_->kbdAddEvent = [](rfbBool down, rfbKeySym keysym, rfbClientPtr client) {
            of(client).host_.key(keysym, std::nullopt, down != 0);
        };
        screen_->ptrAddEvent = [](int buttons, int x, int y, rfbClientPtr client) {
            of(client).host_.pointer(x, y, static_cast<unsigned>(buttons));
        };
        screen_->newClientHook = [](rfbClientPtr client) {
            client->clientGoneHook = [](rfbClientPtr gone) {
                of(gone).client_ = nullptr;
                free_forgotten(gone);
            };
            // Whoever serves a web page decides which pages may connect: a browser connects to any port for any page.
            return (client->wsctx != nullptr) == of(client).web_socket_ ? RFB_CLIENT_ACCEPT : RFB_CLIENT_REFUSE;
        };
        if (passwords_[0] != nullptr) {
            screen_->authPasswdData = passwords_;
            screen_->authPasswdFirstViewOnly = 1;
            screen_->passwordCheck = [](rfbClientPtr client, const char* response, int length) {
                const rfbBool right = rfbCheckPasswordByList(client, response, length);
                if (right == FALSE) of(client).host_.wrong_password();
                return right;
            };
        }
        set_format();
        rfbInitServer(screen_);
        return true;
    }

    /// Frames are 0x00RRGGBB.
    void set_format() {
        screen_->serverFormat.redShift = 16;
        screen_->serverFormat.greenShift = 8;
        screen_->serverFormat.blueShift = 0;
        if (client_ != nullptr) screen_->setTranslateFunction(client_);
    }

    /// As rfbProcessEvents, but for viewers that want a smaller picture (UltraVNC's SetScale, PalmVNC's): they are put
    /// out, because the library divides by zero where a rectangle shrinks to nothing, and does not resize such
    /// pictures.
    void process() {
        rfbCheckFds(screen_, 0);
        if (client_->scaledScreen != screen_) rfbCloseClient(client_);
        // Of the encodings, those that viewers of our time choose: while others were allowed, too, random messages made
        // the library divide by zero.
        constexpr std::array kEncodings{rfbEncodingRaw, rfbEncodingHextile, rfbEncodingTight, rfbEncodingZRLE};
        const auto chosen = client_->preferredEncoding;
        if (chosen != -1 && std::find(kEncodings.begin(), kEncodings.end(), chosen) == kEncodings.end())
            client_->preferredEncoding = rfbEncodingRaw;
        rfbUpdateClient(client_);
        if (client_->sock == RFB_INVALID_SOCKET) rfbClientConnectionGone(client_);
    }

    [[nodiscard]] bool in_time() const { return admitted_ || now_ms() - began_ms_ < kMostHandshake_ms; }

    void wait() {
        if (client_->sock == RFB_INVALID_SOCKET) return;  // closed, and to be taken away
        std::array<pollfd, 2> fds{pollfd{client_->sock, POLLIN, 0}, pollfd{host_.wake_fd(), POLLIN, 0}};
        const i64 left_ms = began_ms_ + kMostHandshake_ms - now_ms();
        const int timeout = admitted_ ? -1 : static_cast<int>(std::max<i64>(left_ms, 0));
        if (::poll(fds.data(), fds.size(), timeout) < 0) return;  // EINTR
        if (fds[1].revents != 0) host_.woken();
    }

    void note_state() {
        if (!admitted_ && client_->state == rfbClientRec::RFB_NORMAL) {
            admitted_ = true;
            host_.admitted();
        }
        // Not before the library has sent the list of its messages, which does not name this one (it resets the flag).
        if (!wants_scan_codes_ || scan_codes_offered_ || client_->enableSupportedMessages != FALSE) return;
        scan_codes_offered_ = true;
        // A FramebufferUpdate of one empty rectangle with the pseudo-encoding says that we take them.
        struct {
            rfbFramebufferUpdateMsg update{};
            rfbFramebufferUpdateRectHeader rectangle{};
        } message;
        static_assert(sizeof message == sz_rfbFramebufferUpdateMsg + sz_rfbFramebufferUpdateRectHeader);
        message.update.type = rfbFramebufferUpdate;
        message.update.nRects = Swap16IfLE(u16{1});
        message.rectangle.encoding = Swap32IfLE(u32{rfbEncodingQemuExtendedKeyEvent});
        if (rfbWriteExact(client_, reinterpret_cast<const char*>(&message), sizeof message) < 0)
            rfbCloseClient(client_);
    }

    /// Tells the library which rectangles are different.
    void show(std::shared_ptr<const devices::Frame> picture) {
        if (picture == shown_) return;
        shown_ = std::move(picture);
        const devices::Frame& frame = *shown_;
        if (frame.width != width_ || frame.height != height_) return resize(frame);
        unsigned first = 0, left = width_, right = 0;  // of the band of rows that differ so far
        for (unsigned y = 0; y <= height_; ++y) {
            const std::size_t row = std::size_t{y} * width_;
            unsigned begin = width_, end = 0;
            if (y < height_) difference(buffer_.data() + row, frame.pixels.data() + row, begin, end);
            if (begin < end) {
                std::copy(frame.pixels.data() + row + begin, frame.pixels.data() + row + end,
                          buffer_.data() + row + begin);
                if (left >= right) first = y;
                left = std::min(left, begin);
                right = std::max(right, end);
            } else if (left < right) {
                rfbMarkRectAsModified(screen_, static_cast<int>(left), static_cast<int>(first), static_cast<int>(right),
                                      static_cast<int>(y));
                left = width_;
                right = 0;
            }
        }
    }

    void difference(const u32* old, const u32* now, unsigned& begin, unsigned& end) const {
        if (std::memcmp(old, now, width_ * sizeof(u32)) == 0) return;
        for (begin = 0; old[begin] == now[begin];) ++begin;
        for (end = width_; old[end - 1] == now[end - 1];) --end;
    }

    void resize(const devices::Frame& frame) {
        std::vector<u32> next = frame.pixels;
        width_ = frame.width;
        height_ = frame.height;
        rfbNewFramebuffer(screen_, reinterpret_cast<char*>(next.data()), static_cast<int>(width_),
                          static_cast<int>(height_), 8, 3, 4);
        buffer_.swap(next);  // the old one goes when nothing points to it any more
        set_format();
    }

    /// Viewers that show a pointer of their own are given one where the guest draws none at the same place.
    void show_pointer() {
        const bool arrow = client_->enableCursorShapeUpdates != FALSE && !host_.guest_draws_pointer();
        if (arrow == arrow_shown_) return;
        arrow_shown_ = arrow;
        rfbSetCursor(screen_, arrow ? make_arrow() : nullptr);
    }

    VncHost& host_;
    char** passwords_;
    bool web_socket_;
    rfbScreenInfoPtr screen_ = nullptr;
    rfbClientPtr client_ = nullptr;
    std::shared_ptr<const devices::Frame> shown_;
    std::vector<u32> buffer_;
    unsigned width_ = 0, height_ = 0;
    i64 began_ms_ = 0;
    bool admitted_ = false;
    bool arrow_shown_ = false;
    bool wants_scan_codes_ = false, scan_codes_offered_ = false;
};

class LibVncServer final : public VncLibrary {
public:
    explicit LibVncServer(std::string password) : password_(std::move(password)) {
        if (!password_.empty()) passwords_[0] = password_.data();
    }
    ~LibVncServer() override { rfbUnregisterProtocolExtension(&extension_); }
    LibVncServer(const LibVncServer&) = delete;
    LibVncServer& operator=(const LibVncServer&) = delete;

    void serve(int socket, bool web_socket, VncHost& host) override {
        Viewer(host, passwords_.data(), web_socket).serve(socket);
    }

    /// The library keeps one list of ways to authenticate for all screens and changes it, without a lock, when the
    /// first viewer says its version; so the first is one of ours.
    bool prepare() {
        rfbRegisterProtocolExtension(&extension_);
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
        constexpr std::string_view kHello = "RFB 003.008\n";
        const bool sent = ::write(ends[1], kHello.data(), kHello.size()) == static_cast<ssize_t>(kHello.size());
        ::shutdown(ends[1], SHUT_WR);
        Nobody nobody;
        serve(ends[0], false, nobody);
        ::close(ends[1]);
        return sent;
    }

private:
    class Nobody final : public VncHost {
    public:
        std::shared_ptr<const devices::Frame> picture() override {
            return std::make_shared<devices::Frame>(devices::Frame{.width = 1, .height = 1, .pixels = {0}});
        }
        bool guest_draws_pointer() override { return true; }
        int wake_fd() override { return -1; }
        void woken() override {}
        bool ending() override { return false; }
        void admitted() override {}
        void wrong_password() override {}
        void key(u32, std::optional<u16>, bool) override {}
        void pointer(int, int, unsigned) override {}
    };

    std::string password_;
    std::array<char*, 2> passwords_{};
    std::array<int, 2> encodings_{static_cast<int>(rfbEncodingQemuExtendedKeyEvent), 0};
    rfbProtocolExtension extension_{.newClient = Viewer::take_extension,
                                    .init = nullptr,
                                    .pseudoEncodings = encodings_.data(),
                                    .enablePseudoEncoding = Viewer::take_encoding,
                                    .handleMessage = Viewer::take_message,
                                    .close = nullptr,
                                    .usage = nullptr,
                                    .processArgument = nullptr,
                                    .next = nullptr};
};

}  // namespace
}  // namespace bantam::frontend

extern "C" [[gnu::visibility("default")]] bantam::frontend::VncLibrary* bantam_open_vnc_library(
    const char* version, const char* password, void (*log)(const std::string&), std::string& error) {
    using namespace bantam::frontend;
    if (std::string_view(version) != kVersion) {
        error = "bantam-vnc.so belongs to another version of Bantam";
        return nullptr;
    }
    log_line = log;
    rfbLog = rfbErr = take_log;
    auto library = std::make_unique<LibVncServer>(password);
    if (library->prepare()) return library.release();
    error = "the host has no more sockets";
    return nullptr;
}
