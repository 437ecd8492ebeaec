"""One scenario of tests/guests/boots under Bantam, QEMU TCG or Bochs, seen and served the same way under each: what COM1 says, what
stands in text memory, keys, bytes to COM1. For bench/guest_times.py and tests/guests/reference.py.

Text memory is read whole (B8000h to BFFFFh) as lines of 80 characters, for where the picture begins in it only the CRTC knows. Bantam
and QEMU are asked through QMP; Bochs's debugger, which Debian builds in, is interrupted for it.
"""
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
import boots  # noqa: E402
import qmp_client  # noqa: E402
import x_display  # noqa: E402

TEXT_AT, TEXT_BYTES = 0xB8000, 0x8000
ANSWER_S = 30
HOLD_MS = 300  # GRUB Invaders misses keys that are pressed for less, while typematic repetition begins after 500 ms
KEYS = {"\n": "ret", " ": "spc", "-": "minus", "=": "equal", "/": "slash", ".": "dot", ",": "comma", ";": "semicolon"}
SCREEN_WAITS = ("wait-screen", "wait-screen-regex")
WAITS = ("wait-serial", "wait-serial-regex", *SCREEN_WAITS)


def on_screen(boot: boots.Boot) -> bool:
    """Whether the guest is watched there, and not on COM1."""
    return any(name in step for step in boot.steps for name in SCREEN_WAITS)


def text_of(memory: bytes) -> str:
    """Cells of character and attribute, as lines."""
    characters = memory[::2].decode("cp437").replace("\0", " ")
    return "\n".join(characters[at:at + 80] for at in range(0, len(characters), 80))


class Piped:
    """Bantam or QEMU: COM1, where the guest is watched there, on standard input and output; else QMP, which `command` has at folder/qmp."""

    def __init__(self, command: list[str], boot: boots.Boot, folder: pathlib.Path, qmp: bool) -> None:
        self.folder = folder
        self.started = time.monotonic()
        # Somebody who might type is a reason for Bantam not to let idle time fly.
        typing = any("send" in step for step in boot.steps)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE if typing else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        self.input = self.process.stdin.fileno() if typing else None
        self.output = self.process.stdout.fileno()
        if qmp:
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


def words(option: str, value: object) -> list[str]:
    """A key of [machine] as options of `bantam run`."""
    if isinstance(value, list):
        return [word for item in value for word in words(option, item)]
    return [f"--{option}"] * value if isinstance(value, bool) else [f"--{option}", str(value)]


def bantam(boot: boots.Boot, folder: pathlib.Path, program: str) -> Piped:
    screen = on_screen(boot)
    command = [program, "run", "--headless", "--engine", "jit", *(word for option in boot.machine.items() for word in words(*option))]
    command += ["--serial", "none", "--qmp", f"unix:{folder}/qmp"] if screen else ["--serial", "stdio"]
    return Piped(command, boot, folder, screen)


def drive(image: str, interface: str = "") -> list[str]:
    """FILE[,readonly][,overlay=temp] for QEMU."""
    file, *flags = image.split(",")
    modes = {"readonly": "readonly=on", "overlay=temp": "snapshot=on"}
    return ["-drive", ",".join([*([interface] if interface else []), f"file={file}", "format=raw", *(modes[flag] for flag in flags)])]


def qemu(boot: boots.Boot, folder: pathlib.Path, qmp: bool = False) -> Piped:
    """With a monitor by QMP if asked for, and where the screen is watched."""
    qmp = qmp or on_screen(boot)
    machine = dict(boot.machine)
    machine.pop("wall-limit", None)
    command = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-display", "none", "-monitor", "none",
               "-serial", "none" if on_screen(boot) else "stdio", "-m", machine.pop("memory")]
    if machine.pop("no-reboot", False):
        command += ["-no-reboot"]
    for key, option in (("kernel", "-kernel"), ("initrd", "-initrd"), ("append", "-append"), ("cdrom", "-cdrom"), ("firmware", "-bios"), ("boot", "-boot")):
        if key in machine:
            command += [option, machine.pop(key)]
    for unit, image in enumerate(machine.pop("flash", [])):
        command += drive(image, f"if=pflash,unit={unit}")
    for key, interface in (("disk", ""), ("floppy", "if=floppy")):
        if key in machine:
            command += drive(machine.pop(key), interface)
    if machine:
        raise ValueError(f"{boot.name}: how to tell QEMU of {' '.join(machine)}?")
    if qmp:
        command += ["-qmp", f"unix:{folder}/qmp,server=on,wait=off"]
    return Piped(command, boot, folder, qmp)


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

    def __init__(self, boot: boots.Boot, folder: pathlib.Path) -> None:
        self.display = x_display.Display(folder)
        with socket.create_server(("127.0.0.1", 0)) as server:
            command = bochs_command(folder, boot.machine["memory"], self.media(boot.machine, folder),
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
    def media(machine: dict, folder: pathlib.Path) -> list[str]:
        """Bochs locks an image by a file beside it and writes to it: copies, sparse as the originals, of those that are to stay as they are."""
        def own(image: str, name: str) -> pathlib.Path | str:
            file, *flags = image.split(",")
            if not flags:
                return file
            subprocess.run(["cp", "--sparse=always", file, folder / name], check=True)
            return folder / name

        lines, boot = [], "cdrom"
        if "disk" in machine:
            lines += [f"ata0-master: type=disk, path={own(machine['disk'], 'copy.img')}, mode=flat, status=inserted"]
            boot = "disk"
        if "floppy" in machine:
            lines += [f"floppya: 1_44={own(machine['floppy'], 'floppy-copy.img')}, status=inserted"]
            boot = "floppy"
        cdrom = machine.get("cdrom")
        if "kernel" in machine:
            initrd = pathlib.Path(machine["initrd"]) if "initrd" in machine else None
            cdrom = boot_cd(folder, pathlib.Path(machine["kernel"]), initrd, machine.get("append", ""))
        if cdrom:
            lines += [f"ata0-slave: type=cdrom, path={cdrom}, status=inserted"]
            boot = "cdrom" if "kernel" in machine or machine.get("boot", "c") == "d" else boot
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
    """Takes steps of a scenario: waits for what a guest says or shows, and answers it."""

    def __init__(self, session: Piped | Bochs, limit: float) -> None:
        self.session = session
        self.deadline = time.monotonic() + limit
        self.said, self.looked = bytearray(), 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(session.output, selectors.EVENT_READ)

    def take(self, step: dict) -> bool:
        """Whether the step was done in time. Errors: KeyError, for one that no emulator but Bantam can take."""
        if "wait-serial" in step:
            return self.serial(re.escape(step["wait-serial"]))
        if "wait-serial-regex" in step:
            return self.serial(step["wait-serial-regex"])
        if "wait-screen" in step:
            return self.screen(re.escape(step["wait-screen"]))
        if "wait-screen-regex" in step:
            return self.screen(step["wait-screen-regex"])
        if "send" in step:
            os.write(self.session.input, step["send"].encode())
        elif "keys" in step:
            for chord in [step["keys"]] if isinstance(step["keys"], str) else step["keys"]:
                self.session.press(chord)
        else:
            for character in step["type"]:
                self.session.press(KEYS.get(character, character))
        return True

    def listen(self) -> bool:
        """Whether COM1 said more in time."""
        left = self.deadline - time.monotonic()
        if left <= 0 or not self.selector.select(timeout=left):
            return False
        chunk = os.read(self.session.output, 65536)
        self.said += chunk
        return bool(chunk)

    def serial(self, pattern: str) -> bool:
        expression = re.compile(pattern.encode(), re.MULTILINE)
        while (found := expression.search(self.said, self.looked)) is None:
            if not self.listen():
                return False
        self.looked = found.end()
        return True

    def screen(self, pattern: str) -> bool:
        """Looked at ten times a second."""
        while re.search(pattern, self.session.screen(), re.MULTILINE) is None:
            if time.monotonic() >= self.deadline:
                return False
            time.sleep(0.1)
        return True
