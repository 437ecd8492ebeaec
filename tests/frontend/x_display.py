"""An X server without a screen for tests of the window: Xvfb on a free display, its frame buffer read from Xvfb's own XWD file,
keys and pointer by xdotool (XTEST: what a keyboard and a mouse would send)."""
import ctypes
import ctypes.util
import os
import pathlib
import struct
import subprocess
import time


class Display:
    """`folder` gets the frame buffer."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.manager = self.owner = None
        read_end, write_end = os.pipe()
        # Without -noreset the server begins anew when its last client leaves, and refuses who comes meanwhile.
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1600x1200x24", "-nolisten", "tcp",
                                        "-noreset", "-fbdir", str(folder)], pass_fds=[write_end], stderr=subprocess.DEVNULL)
        os.close(write_end)
        with os.fdopen(read_end) as number:
            self.name = ":" + number.readline().strip()
        self.environment = {**os.environ, "DISPLAY": self.name, "XDG_STATE_HOME": str(folder / "state")}
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.frame_buffer = folder / "Xvfb_screen0"

    def start_window_manager(self) -> None:
        said = self.frame_buffer.with_name("openbox.log")
        with said.open("wb") as log:
            self.manager = subprocess.Popen(["openbox", "--sm-disable"], env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        deadline = time.monotonic() + 30
        while "window id" not in subprocess.run(["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"], env=self.environment,
                                                capture_output=True, text=True, timeout=30, check=False).stdout:
            assert time.monotonic() < deadline, f"no window manager; status {self.manager.poll()}, it said: {said.read_text()}"
            time.sleep(0.02)

    def close(self) -> None:
        for client in (self.manager, self.owner):
            if client is not None:
                client.terminate()
                client.wait()
        self.server.terminate()
        self.server.wait()

    def xdotool(self, *arguments: object) -> str:
        done = subprocess.run(["xdotool", *map(str, arguments)], env=self.environment, capture_output=True, text=True, timeout=30,
                              check=False)
        return done.stdout.strip()

    def window(self, timeout: float = 30) -> str:
        """The first visible window whose title begins with Bantam, given the keyboard."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = self.xdotool("search", "--onlyvisible", "--name", "^Bantam").split()
            if found:
                self.xdotool("windowfocus", "--sync", found[0])
                return found[0]
            time.sleep(0.05)
        raise AssertionError("no window appeared")

    def geometry(self, window: str) -> tuple[int, int, int, int]:
        values = dict(line.split("=") for line in self.xdotool("getwindowgeometry", "--shell", window).splitlines())
        return tuple(int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))

    def pixels(self, x: int, y: int, width: int, height: int) -> list[bytes]:
        """Rows of RGB bytes of a part of the screen (XWD: X11/XWDFile.h)."""
        data = self.frame_buffer.read_bytes()
        header = struct.unpack(">25I", data[:100])
        start, row_bytes = header[0] + 12 * header[19], header[12]
        rows = []
        for line in range(y, y + height):
            row = data[start + line * row_bytes + 4 * x:start + line * row_bytes + 4 * (x + width)]
            rgb = bytearray(3 * width)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            rows.append(bytes(rgb))
        return rows

    def write_ppm(self, path: pathlib.Path, x: int, y: int, width: int, height: int) -> None:
        path.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + b"".join(self.pixels(x, y, width, height)))

    def copy(self, text: str) -> None:
        """Puts text into the clipboard, as a program in which it was copied does."""
        if self.owner is not None:
            self.owner.terminate()
            self.owner.wait()
        self.owner = subprocess.Popen(["xclip", "-quiet", "-selection", "clipboard"], env=self.environment, stdin=subprocess.PIPE,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.owner.stdin.write(text.encode())
        self.owner.stdin.close()
        deadline = time.monotonic() + 30
        while subprocess.run(["xclip", "-o", "-selection", "clipboard"], env=self.environment, capture_output=True, timeout=30,
                             check=False).stdout != text.encode():
            assert time.monotonic() < deadline, "the clipboard never held the text"
            time.sleep(0.02)

    def ask_to_close(self, window: str) -> None:
        """What a window manager sends when its close button is pressed (ICCCM 4.2.8.1, WM_DELETE_WINDOW)."""

        class ClientMessage(ctypes.Structure):
            _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int), ("display", ctypes.c_void_p),
                        ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong), ("format", ctypes.c_int),
                        ("data", ctypes.c_long * 5), ("rest", ctypes.c_long * 24)]

        x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.restype = ctypes.c_ulong
        display = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        protocols = x11.XInternAtom(display, b"WM_PROTOCOLS", 0)
        delete = x11.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
        event = ClientMessage(type=33, window=int(window), message_type=protocols, format=32)
        event.data[0] = delete
        x11.XSendEvent(display, ctypes.c_ulong(int(window)), 0, ctypes.c_long(0), ctypes.byref(event))
        x11.XCloseDisplay(display)
