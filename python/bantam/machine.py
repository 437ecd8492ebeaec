"""A machine in a process of its own, controlled by QMP."""
from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
import time
from typing import Any, List, Optional, Sequence, Union

from .program import find_program
from .qmp import Event, QmpClient

Path = Union[str, "os.PathLike[str]"]
Value = Union[str, int, bool, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]]]


class MachineEnded(Exception):
    """The process ended before it could be controlled. `status` is its exit status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message.strip() or f"exit status {status}")
        self.status = status


def options_of(named: "dict[str, Value]") -> List[str]:
    """Keyword arguments as options: True is a flag, a sequence gives the option once for each."""
    options: List[str] = []
    for name, value in named.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            options.append(option)
        elif value is not False:
            several = isinstance(value, Sequence) and not isinstance(value, str)
            for one in value if several else [value]:  # type: ignore[union-attr]
                options += [option, os.fspath(one) if isinstance(one, os.PathLike) else str(one)]
    return options


class Machine:
    """`bantam run`. The options of `bantam help run` are keyword arguments, with '_' for '-'. It is headless unless `display` or
    `headless=False` says otherwise.

    A context manager: at its end the machine is gone, whatever state it is in.
    """

    def __init__(self, toml: Optional[Path] = None, *, program: Optional[str] = None, timeout: float = 30, **options: Value) -> None:
        """`toml`: a MACHINE.toml. `timeout`: seconds for each answer. MachineEnded: it did not start, and why."""
        path = find_program(program)
        self._folder = tempfile.TemporaryDirectory(prefix="bantam-")
        socket = pathlib.Path(self._folder.name) / "qmp"
        self._errors = open(pathlib.Path(self._folder.name) / "stderr", "w+b")
        words = [path, "run", *([os.fspath(toml)] if toml is not None else []), "--qmp", f"unix:{socket}",
                 *options_of({"headless": "display" not in options, "monitor": "none", "serial": "none", **options})]
        try:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=self._errors)
            try:
                self.qmp = self._connect(str(socket), timeout)
            except BaseException:
                self.process.kill()
                self.process.wait()
                raise
        except BaseException:
            self._errors.close()
            self._folder.cleanup()
            raise

    def _connect(self, socket: str, timeout: float) -> QmpClient:
        deadline = time.monotonic() + timeout
        while not os.path.exists(socket):
            status = self.process.poll()
            if status is not None:
                raise MachineEnded(status, self.errors())
            if time.monotonic() >= deadline:
                raise TimeoutError("the machine does not listen")
            time.sleep(0.01)
        return QmpClient(socket, timeout)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process at once, if it still runs."""
        self.qmp.close()
        self.process.kill()
        self.process.wait()
        self._errors.close()
        self._folder.cleanup()

    def errors(self) -> str:
        """What the process has written to its standard error so far."""
        self._errors.flush()
        return pathlib.Path(self._errors.name).read_text(encoding="utf-8", errors="replace")

    # --- running it
    def stop(self) -> None:
        self.qmp.execute("stop")

    def cont(self) -> None:
        self.qmp.execute("cont")

    @property
    def running(self) -> bool:
        return bool(self.qmp.execute("query-status")["running"])

    def reset(self) -> None:
        self.qmp.execute("system_reset")

    def powerdown(self) -> None:
        """Presses the power button."""
        self.qmp.execute("system_powerdown")

    def quit(self, timeout: float = 30) -> int:
        """Ends the machine in an orderly way. The process's exit status."""
        try:
            self.qmp.execute("quit")
        except EOFError:
            pass
        return self.wait(timeout)

    def wait(self, timeout: Optional[float] = None) -> int:
        """Waits until the machine has ended. The process's exit status; subprocess.TimeoutExpired: it runs on."""
        return self.process.wait(timeout)

    def wait_event(self, name: Optional[str] = None, timeout: Optional[float] = None) -> Event:
        """As QmpClient.wait_event."""
        return self.qmp.wait_event(name, timeout)

    # --- what a person does, and sees
    def monitor(self, line: str) -> str:
        """What the line console answers (`help` lists its commands); QmpError where it refuses."""
        answer: Any = self.qmp.execute("human-monitor-command", command_line=line, strict=True)
        return str(answer)

    def send_keys(self, *chords: str) -> None:
        """Presses and releases keys, each as "ctrl-alt-delete"."""
        for chord in chords:
            self.qmp.execute("send-key", keys=[{"type": "qcode", "data": key} for key in chord.split("-")])

    def screenshot(self, file: Path) -> None:
        """Writes the screen as a PNG file."""
        self.qmp.execute("screendump", filename=os.path.abspath(file), format="png")

    def insert(self, drive: str, file: Path) -> None:
        """Puts a diskette or CD image into the drive."""
        self.qmp.execute("blockdev-change-medium", device=drive, filename=os.path.abspath(file))

    def eject(self, drive: str, force: bool = False) -> None:
        self.qmp.execute("eject", device=drive, force=force)

    def read_memory(self, address: int, size: int) -> bytes:
        """`size` bytes of physical memory."""
        file = pathlib.Path(self._folder.name) / "memory"
        self.qmp.execute("pmemsave", val=address, size=size, filename=str(file))
        data = file.read_bytes()
        file.unlink()
        return data
