"""A client of the QEMU Machine Protocol, as `bantam run --qmp` speaks it (QEMU, docs/interop/qmp-spec.rst)."""
from __future__ import annotations

import collections
import dataclasses
import json
import socket
import time
from typing import Any, Deque, Dict, Mapping, Optional, Tuple, Union

Address = Union[str, Tuple[str, int]]


class QmpError(Exception):
    """The machine refuses a command. `error_class` is QEMU's, such as "GenericError" or "CommandNotFound"."""

    def __init__(self, error_class: str, description: str) -> None:
        super().__init__(description)
        self.error_class = error_class


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened to the machine. `time` is the host's, in seconds since 1970."""

    name: str
    data: Mapping[str, Any]
    time: float


class QmpClient:
    """Talks with one machine. Not for several threads at once."""

    def __init__(self, address: Address, timeout: float = 30) -> None:
        """Connects to a unix socket's path, or to (host, port), waiting until somebody listens, and negotiates.

        `timeout`, in seconds, is for that and for every answer. OSError: nobody listens.
        """
        self.timeout = timeout
        self._events: Deque[Event] = collections.deque()
        self._received = b""
        self._ids = 0
        self._socket = self._connect(address, time.monotonic() + timeout)
        try:
            self.greeting: Mapping[str, Any] = self._read(time.monotonic() + timeout)["QMP"]
            self.execute("qmp_capabilities")
        except BaseException:
            self._socket.close()
            raise

    @staticmethod
    def _connect(address: Address, deadline: float) -> socket.socket:
        while True:
            connection = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
            try:
                connection.connect(address)
                return connection
            except OSError:
                connection.close()
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.02)

    def __enter__(self) -> QmpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def _read(self, deadline: float) -> Dict[str, Any]:
        """The next message. TimeoutError: there is none; EOFError: the machine has gone."""
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the machine says nothing")
            self._socket.settimeout(left)
            try:
                part = self._socket.recv(65536)
            except socket.timeout:
                raise TimeoutError("the machine says nothing") from None
            except ConnectionError:
                part = b""
            if not part:
                raise EOFError("the machine has gone")
            self._received += part
        line, self._received = self._received.split(b"\n", 1)
        message = json.loads(line)
        assert isinstance(message, dict)
        return message

    def _keep(self, message: Mapping[str, Any]) -> None:
        stamp = message["timestamp"]
        self._events.append(Event(message["event"], message.get("data", {}), stamp["seconds"] + stamp["microseconds"] / 1e6))

    def execute(self, command: str, arguments: Optional[Mapping[str, Any]] = None, **more: Any) -> Any:
        """What `command` returns. Arguments are given by name, with '_' for '-', or as a mapping. QmpError: it refuses."""
        named = {**(arguments or {}), **{name.replace("_", "-"): value for name, value in more.items()}}
        self._ids += 1
        self._socket.settimeout(self.timeout)
        self._socket.sendall(json.dumps({"execute": command, "arguments": named, "id": self._ids}).encode() + b"\n")
        deadline = time.monotonic() + self.timeout
        while True:
            message = self._read(deadline)
            if "event" in message:
                self._keep(message)
            elif message.get("id") != self._ids:
                continue  # the answer to a command that was given up
            elif "error" in message:
                raise QmpError(message["error"]["class"], message["error"]["desc"])
            else:
                return message["return"]

    def wait_event(self, name: Optional[str] = None, timeout: Optional[float] = None) -> Event:
        """The next event (of that name); others stay. TimeoutError: none came; EOFError: the machine has gone."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            for event in self._events:
                if name is None or event.name == name:
                    self._events.remove(event)
                    return event
            message = self._read(deadline)
            if "event" in message:
                self._keep(message)
