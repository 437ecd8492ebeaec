#!/usr/bin/env python3
"""A file manager's part in drag and drop (XDND 5, freedesktop.org): a window of 60x60 dots in the screen's corner; whoever presses a
button on it drags FILE, and drops it where the button is released.

    drag_source.py FILE

Prints "ready" when it can be dragged from, then "finished" (the target has taken it; status 0) or "refused" (status 1)."""
import ctypes
import ctypes.util
import pathlib
import sys

BUTTON_PRESS, BUTTON_RELEASE, MOTION, SELECTION_REQUEST, SELECTION_NOTIFY, CLIENT_MESSAGE = 4, 5, 6, 30, 31, 33
BUTTON_MASKS = 1 << 2 | 1 << 3 | 1 << 8  # ButtonPressMask, ButtonReleaseMask, Button1MotionMask
ATOM, REPLACE, VERSION = 4, 0, 5
HEAD = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int), ("display", ctypes.c_void_p)]


class Pointer(ctypes.Structure):  # XButtonEvent and XMotionEvent, as far as needed
    _fields_ = HEAD + [("window", ctypes.c_ulong), ("root", ctypes.c_ulong), ("subwindow", ctypes.c_ulong), ("time", ctypes.c_ulong),
                       ("x", ctypes.c_int), ("y", ctypes.c_int), ("x_root", ctypes.c_int), ("y_root", ctypes.c_int)]


class Request(ctypes.Structure):  # XSelectionRequestEvent
    _fields_ = HEAD + [("owner", ctypes.c_ulong), ("requestor", ctypes.c_ulong), ("selection", ctypes.c_ulong), ("target", ctypes.c_ulong),
                       ("property", ctypes.c_ulong), ("time", ctypes.c_ulong)]


class Notify(ctypes.Structure):  # XSelectionEvent
    _fields_ = HEAD + [("requestor", ctypes.c_ulong), ("selection", ctypes.c_ulong), ("target", ctypes.c_ulong),
                       ("property", ctypes.c_ulong), ("time", ctypes.c_ulong)]


class Message(ctypes.Structure):  # XClientMessageEvent
    _fields_ = HEAD + [("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong), ("format", ctypes.c_int), ("data", ctypes.c_long * 5)]


class Event(ctypes.Union):
    _fields_ = [("type", ctypes.c_int), ("pointer", Pointer), ("request", Request), ("notify", Notify), ("message", Message),
                ("room", ctypes.c_long * 24)]


def load_x11() -> ctypes.CDLL:
    x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
    window, number, pointer = ctypes.c_ulong, ctypes.c_int, ctypes.c_void_p
    for name, result, *arguments in (
            ("XOpenDisplay", pointer, ctypes.c_char_p), ("XDefaultRootWindow", window, pointer),
            ("XCreateSimpleWindow", window, pointer, window, number, number, number, number, number, window, window),
            ("XSelectInput", number, pointer, window, ctypes.c_long), ("XMapRaised", number, pointer, window),
            ("XSync", number, pointer, number), ("XFree", number, pointer), ("XNextEvent", number, pointer, ctypes.POINTER(Event)),
            ("XInternAtom", window, pointer, ctypes.c_char_p, number),
            ("XSetSelectionOwner", number, pointer, window, window, window),
            ("XTranslateCoordinates", number, pointer, window, window, number, number, pointer, pointer, ctypes.POINTER(window)),
            ("XGetWindowProperty", number, pointer, window, window, ctypes.c_long, ctypes.c_long, number, window, pointer, pointer,
             ctypes.POINTER(window), pointer, ctypes.POINTER(pointer)),
            ("XChangeProperty", number, pointer, window, window, window, number, number, ctypes.c_char_p, number),
            ("XSendEvent", number, pointer, window, number, ctypes.c_long, ctypes.POINTER(Event))):
        function = getattr(x11, name)
        function.restype, function.argtypes = result, arguments
    return x11


class Source:
    def __init__(self, uris: str) -> None:
        self.uris = uris.encode()
        self.x11 = load_x11()
        self.display = self.x11.XOpenDisplay(None)
        assert self.display, "no X server"
        self.root = self.x11.XDefaultRootWindow(self.display)
        self.window = self.x11.XCreateSimpleWindow(self.display, self.root, 0, 0, 60, 60, 0, 0, 0xFFFFFF)
        self.target = 0
        self.accepted = self.awaiting_status = False
        self.released_at = None
        self.x11.XSelectInput(self.display, self.window, BUTTON_MASKS)
        self.x11.XMapRaised(self.display, self.window)
        self.x11.XSync(self.display, 0)

    def atom(self, name: str) -> int:
        return self.x11.XInternAtom(self.display, name.encode(), 0)

    def is_aware(self, window: int) -> bool:
        count, value, ignored = ctypes.c_ulong(), ctypes.c_void_p(), (ctypes.c_ulong * 3)()
        self.x11.XGetWindowProperty(self.display, window, self.atom("XdndAware"), 0, 1, 0, ATOM, ctypes.byref(ignored, 0),
                                    ctypes.byref(ignored, 8), ctypes.byref(count), ctypes.byref(ignored, 16), ctypes.byref(value))
        if value:
            self.x11.XFree(value)
        return count.value == 1

    def aware_window_at(self, x: int, y: int) -> int:
        """The outermost window there that takes drops; 0: none."""
        window, child, where = self.root, ctypes.c_ulong(), (ctypes.c_int * 2)()
        while not self.is_aware(window):
            self.x11.XTranslateCoordinates(self.display, self.root, window, x, y, ctypes.byref(where, 0), ctypes.byref(where, 4),
                                           ctypes.byref(child))
            if child.value == 0:
                return 0
            window = child.value
        return window

    def tell(self, kind: str, *data: int) -> None:
        event = Event()
        event.message = Message(type=CLIENT_MESSAGE, display=self.display, window=self.target, message_type=self.atom(kind), format=32)
        event.message.data[:] = [self.window, *data, *[0] * (4 - len(data))]
        self.x11.XSendEvent(self.display, self.target, 0, 0, ctypes.byref(event))

    def move(self, pointer: Pointer) -> None:
        under = self.aware_window_at(pointer.x_root, pointer.y_root)
        if under != self.target:
            if self.target:
                self.tell("XdndLeave")
            self.target, self.accepted, self.awaiting_status = under, False, False
            if under:
                self.tell("XdndEnter", VERSION << 24, self.atom("text/uri-list"))
        if self.target:
            self.tell("XdndPosition", 0, pointer.x_root << 16 | pointer.y_root, pointer.time, self.atom("XdndActionCopy"))
            self.awaiting_status = True

    def hand_over(self, request: Request) -> None:
        self.x11.XChangeProperty(self.display, request.requestor, request.property, request.target, 8, REPLACE, self.uris, len(self.uris))
        event = Event()
        event.notify = Notify(type=SELECTION_NOTIFY, display=self.display, requestor=request.requestor, selection=request.selection,
                              target=request.target, property=request.property, time=request.time)
        self.x11.XSendEvent(self.display, request.requestor, 0, 0, ctypes.byref(event))

    def drop(self) -> bool:
        """False: nobody takes it here."""
        if not self.accepted:
            return False
        self.tell("XdndDrop", 0, self.released_at)
        self.released_at = None
        return True

    def run(self) -> bool:
        event = Event()
        while True:
            self.x11.XNextEvent(self.display, ctypes.byref(event))
            if event.type == BUTTON_PRESS:
                self.x11.XSetSelectionOwner(self.display, self.atom("XdndSelection"), self.window, event.pointer.time)
            elif event.type == MOTION:
                self.move(event.pointer)
            elif event.type == BUTTON_RELEASE:
                self.released_at = event.pointer.time
            elif event.type == SELECTION_REQUEST:
                self.hand_over(event.request)
            elif event.type == CLIENT_MESSAGE and event.message.message_type == self.atom("XdndStatus"):
                self.accepted, self.awaiting_status = bool(event.message.data[1] & 1), False
            elif event.type == CLIENT_MESSAGE and event.message.message_type == self.atom("XdndFinished"):
                return True
            if self.released_at is not None and not self.awaiting_status and not self.drop():
                return False


def main() -> int:
    source = Source(pathlib.Path(sys.argv[1]).absolute().as_uri() + "\r\n")
    print("ready", flush=True)
    finished = source.run()
    print("finished" if finished else "refused")
    return 0 if finished else 1


if __name__ == "__main__":
    sys.exit(main())
