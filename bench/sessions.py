"""One guest of tests/guests/guests.toml under Bantam, QEMU TCG or Bochs, seen and served the same way under each: what COM1 says, what
stands in text memory, keys, bytes to COM1. For bench/guest_times.py.

Text memory is read whole (B8000h to BFFFFh) as lines of 80 characters, for where the picture begins in it only the CRTC knows. Bantam
and QEMU are asked through QMP; Bochs's debugger, which Debian builds in, is interrupted for it.
"""
import argparse
import os
import pathlib
import re
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/guests"), str(ROOT / "tests/frontend")]
import qmp_client  # noqa: E402
import run_guest  # noqa: E402
import x_display  # noqa: E402

TEXT_AT, TEXT_BYTES = 0xB8000, 0x8000
ANSWER_S = 30
HOLD_MS = 300  # GRUB Invaders misses keys that are pressed for less, while typematic repetition begins after 500 ms


def text_of(memory: bytes) -> str:
    """Cells of character and attribute, as lines."""
    characters = memory[::2].decode("cp437").replace("\0", " ")
    return "\n".join(characters[at:at + 80] for at in range(0, len(characters), 80))


class Piped:
    """Bantam or QEMU: COM1, where the guest is watched there, on standard input and output; QMP where the screen is watched."""

    def __init__(self, command: list[str], guest: dict, folder: pathlib.Path) -> None:
        self.folder = folder
        self.started = time.monotonic()
        # Somebody who might type is a reason for Bantam not to let idle time fly.
        typing = "answers" in guest
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE if typing else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        self.input = self.process.stdin.fileno() if typing else None
        self.output = self.process.stdout.fileno()
        if guest.get("screen"):
            try:
                self.qmp = qmp_client.Client(folder / "qmp")
                self.ask("qmp_capabilities")
            except (RuntimeError, OSError, EOFError):
                self.close()
                raise

    def ask(self, command: str, **arguments: object) -> None:
        if "error" in (answer := self.qmp.ask(command, **arguments)):
            raise RuntimeError(f"{command}: {answer['error']['desc']}")

    def screen(self) -> str:
        memory = self.folder / "text"
        self.ask("pmemsave", val=TEXT_AT, size=TEXT_BYTES, filename=str(memory))
        return text_of(memory.read_bytes())

    def press(self, keys: str) -> None:
        self.ask("send-key", keys=[{"type": "qcode", "data": key} for key in keys.split("-")], hold_time=HOLD_MS)

    def close(self) -> None:
        end(self.process)


def bantam(guest: dict, cache: pathlib.Path, folder: pathlib.Path, program: str) -> Piped:
    plain = {name: value for name, value in guest.items() if name != "dialogue"}  # whose monitor has standard input
    command = run_guest.bantam_command(plain, cache, argparse.Namespace(bantam=program, engine="jit"), folder / "screen")
    return Piped([*command, *(["--qmp", f"unix:{folder}/qmp"] if guest.get("screen") else [])], guest, folder)


def qemu(guest: dict, cache: pathlib.Path, folder: pathlib.Path) -> Piped:
    command = run_guest.reference_command(guest, cache, folder)
    if guest.get("screen"):
        command[command.index("-serial") + 1] = "none"
        command += ["-qmp", f"unix:{folder}/qmp,server=on,wait=off"]
    return Piped(command, guest, folder)


def end(process: subprocess.Popen) -> None:
    """With whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)
    except ProcessLookupError:
        process.wait()
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def boot_cd(folder: pathlib.Path, kernel: pathlib.Path, initrd: pathlib.Path | None, append: str) -> pathlib.Path:
    """A CD whose GRUB starts the kernel at once, by the protocol that it speaks."""
    tree = folder / "tree"
    (tree / "boot/grub").mkdir(parents=True)
    shutil.copy(kernel, tree / "kernel")
    linux = kernel.read_bytes()[0x202:0x206] == b"HdrS"
    lines = [f"{'linux' if linux else 'multiboot'} /kernel {append}"]
    if initrd is not None:
        shutil.copy(initrd, tree / "initrd")
        lines.append("initrd /initrd")
    (tree / "boot/grub/grub.cfg").write_text("\n".join([*lines, "boot", ""]))
    image = folder / "boot.iso"
    subprocess.run(["grub-mkrescue", "-o", image, tree], check=True, capture_output=True)
    return image


def bochs_command(folder: pathlib.Path, memory: str, media: list[str], com1: str) -> list[str]:
    """Bochs, `memory` as "256M", with its own BIOS; its clock runs by instructions (sync=none), as Bantam's virtual time does."""
    (folder / "bochsrc").write_text("\n".join([
        "config_interface: textconfig", "display_library: x", "romimage: file=/usr/share/bochs/BIOS-bochs-latest",
        "vgaromimage: file=/usr/share/vgabios/vgabios.bin", "cpu: model=corei7_haswell_4770, count=1, ips=50000000",
        f"megs: {int(memory[:-1]) * {'M': 1, 'G': 1024}[memory[-1]]}", *media, f"com1: enabled=1, {com1}", f"log: {folder}/log", "panic: action=fatal",
        "error: action=ignore", "info: action=ignore", "debug: action=ignore", "clock: sync=none",
        "sound: driver=dummy, waveoutdrv=dummy", "speaker: enabled=0, mode=none", ""]))
    (folder / "commands").write_text("c\n")  # Debian builds Bochs with its debugger, which waits for a command
    return ["bochs", "-q", "-f", str(folder / "bochsrc"), "-rc", str(folder / "commands")]


class Bochs:
    """COM1 on a socket, keys by its window on an X server without a screen, text memory through its debugger."""

    def __init__(self, guest: dict, cache: pathlib.Path, folder: pathlib.Path) -> None:
        self.display = x_display.Display(folder)
        with socket.create_server(("127.0.0.1", 0)) as server:
            command = bochs_command(folder, guest["memory"], self.media(guest, cache, folder),
                                    f"mode=socket-client, dev=127.0.0.1:{server.getsockname()[1]}")
            self.started = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                            start_new_session=True, env=self.display.environment)
            server.settimeout(60)
            try:
                self.line, _ = server.accept()
            except TimeoutError:  # so much memory, for one, is more than it can have
                self.close()
                raise RuntimeError("Bochs does not start") from None
        self.input = self.output = self.line.fileno()
        try:
            self.read_until(rb"Next at t=0\n")  # from here on it may be interrupted
        except RuntimeError:
            self.close()
            raise

    @staticmethod
    def media(guest: dict, cache: pathlib.Path, folder: pathlib.Path) -> list[str]:
        """Bochs locks an image by a file beside it and writes to it: copies, sparse as the originals."""
        lines, boot = [], "cdrom"
        if "disk" in guest or "new_disk" in guest:
            if "disk" in guest:
                subprocess.run(["cp", "--sparse=always", cache / guest["disk"], folder / "disk.img"], check=True)
            lines += [f"ata0-master: type=disk, path={folder}/disk.img, mode=flat, status=inserted"]
            boot = "disk"
        if "floppy" in guest or "new_floppy" in guest:
            if "floppy" in guest:
                shutil.copy(cache / guest["floppy"], folder / "floppy.img")
            lines += [f"floppya: 1_44={folder}/floppy.img, status=inserted"]
            boot = "floppy"
        cdrom = cache / guest["cdrom"] if "cdrom" in guest else None
        if "kernel" in guest:
            initrd = cache / guest["initrd"] if "initrd" in guest else None
            cdrom = boot_cd(folder, cache / guest["kernel"], initrd, guest.get("append", ""))
        if cdrom:
            lines += [f"ata0-slave: type=cdrom, path={cdrom}, status=inserted"]
            boot = "cdrom" if "kernel" in guest or guest.get("boot", "c") == "d" else boot
        return [*lines, f"boot: {boot}"]

    def screen(self) -> str:
        self.process.send_signal(signal.SIGINT)
        self.read_until(rb"<bochs:\d+> $")
        self.process.stdin.write(f"xp /{TEXT_BYTES // 4}wx {TEXT_AT:#x}\n".encode())
        self.process.stdin.flush()
        dump = self.read_until(rb"<bochs:\d+> $")
        self.process.stdin.write(b"c\n")
        self.process.stdin.flush()
        words = re.findall(rb"\t0x([0-9a-f]{8})", dump)
        return text_of(b"".join(int(word, 16).to_bytes(4, "little") for word in words))

    def read_until(self, pattern: bytes) -> bytes:
        said, output = b"", self.process.stdout.fileno()
        while not re.search(pattern, said):
            if not select.select([output], [], [], ANSWER_S)[0]:
                raise RuntimeError("Bochs's debugger does not answer")
            if not (chunk := os.read(output, 65536)):
                raise RuntimeError("Bochs has ended")
            said += chunk
        return said

    def press(self, keys: str) -> None:
        names = {"ret": "Return", "spc": "space", "esc": "Escape", "left": "Left", "right": "Right", "up": "Up", "down": "Down"}
        self.display.xdotool("mousemove", 400, 300)  # without a window manager the keys go where the pointer is
        symbol = "+".join(names.get(key, key) for key in keys.split("-"))
        self.display.xdotool("keydown", symbol, "sleep", HOLD_MS / 1000, "keyup", symbol)

    def close(self) -> None:
        end(self.process)
        self.display.close()


class Watch:
    """Waits for what a guest says, and answers it."""

    def __init__(self, session: Piped | Bochs, guest: dict, limit: float) -> None:
        self.session, self.guest = session, guest
        self.deadline = time.monotonic() + limit

    def serial(self, expect: list[str]) -> bool:
        """Whether COM1 says `expect` in time; the guest's answers are typed there."""
        answers = list(self.guest.get("answers", []))
        raw, answered = bytearray(), 0
        selector = selectors.DefaultSelector()
        selector.register(self.session.output, selectors.EVENT_READ)
        while (left := self.deadline - time.monotonic()) > 0 and selector.select(timeout=left):
            if not (chunk := os.read(self.session.output, 65536)):
                return False
            raw += chunk
            while answers and (found := re.search(answers[0][0].encode(), raw[answered:])):
                answered += found.end()
                os.write(self.session.input, answers.pop(0)[1].encode())
            if run_guest.matched(expect, raw.decode(errors="replace").replace("\r", "")) == len(expect):
                return True
        return False

    def screen(self, expect: list[str]) -> bool:
        """Whether text memory shows the guest's dialogue and then `expect`, looked at ten times a second; keys are pressed as it says."""
        turns = [*self.guest.get("dialogue", []), *([pattern, ""] for pattern in expect)]
        while turns and time.monotonic() < self.deadline:
            shown = self.session.screen()
            while turns and re.search(turns[0][0], shown):
                if line := turns.pop(0)[1]:
                    for spoken in run_guest.monitor_commands(line):
                        self.session.press(spoken.removeprefix("sendkey "))
                    break
            time.sleep(0.1)
        return not turns
