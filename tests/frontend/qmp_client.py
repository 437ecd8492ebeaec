"""The least a client of QMP does, for tests: one JSON value a line, answers told from events."""
import json
import pathlib
import socket
import time


class Client:
    """Talks at a unix socket, or through a process's standard input and output."""

    def __init__(self, path: pathlib.Path | None = None, process=None) -> None:
        self.events: list[dict] = []
        self.socket = None
        if path is None:
            self.reader, self.writer = process.stdout, process.stdin
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(30)
            for _ in range(600):
                try:
                    self.socket.connect(str(path))
                    break
                except OSError:
                    time.sleep(0.05)
            self.reader = self.writer = self.socket.makefile("rwb", buffering=0)
        self.greeting = self.read()

    def close(self) -> None:
        self.reader.close()
        if self.socket is not None:
            self.socket.close()

    def read(self) -> dict:
        line = self.reader.readline()
        if not line:
            raise EOFError
        if not line.endswith(b"\r\n"):
            raise ValueError(f"a line that ends in {line[-2:]!r}")
        return json.loads(line)

    def send(self, text: str) -> dict:
        """The answer to `text`; events before it are kept in `events`."""
        self.writer.write(text.encode() + b"\n")
        self.writer.flush()
        while True:
            message = self.read()
            if "event" not in message:
                return message
            self.events.append(message)

    def ask(self, command: str, **arguments) -> dict:
        named = {name.replace("_", "-") if name.endswith("_time") or name.endswith("_index") else name: value
                 for name, value in arguments.items()}
        return self.send(json.dumps({"execute": command, "arguments": named}))

    def monitor(self, line: str) -> str:
        """What a line of the monitor answers."""
        return self.send(json.dumps({"execute": "human-monitor-command", "arguments": {"command-line": line}}))["return"]

    def event(self, name: str) -> dict:
        """Waits for the next event of that name."""
        while True:
            for message in self.events:
                if message["event"] == name:
                    self.events.remove(message)
                    return message
            message = self.read()
            if "event" not in message:
                raise ValueError(f"no event: {message}")
            self.events.append(message)
