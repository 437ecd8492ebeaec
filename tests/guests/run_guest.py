#!/usr/bin/env python3
"""Boots the software of guests.toml headless and checks what it says.

    run_guest.py --bantam FILE [--engine NAME] [--results FOLDER] GUEST...   run guests; status 1 when one fails
    run_guest.py --reference GUEST...                                        the same under qemu-system-x86_64 (TCG)
    run_guest.py --determinism N GUEST...     run each N times, every second time on a busy host, every third time by the
                                              interpreter, else by the translator: same hash, same output
    run_guest.py --compare GUEST...           kernel warnings that only Bantam, or only QEMU, shows
    run_guest.py --list [--slow]                                             names, for CMake
    run_guest.py --status FOLDER                                             rewrite docs/STATUS.md from kept results

A guest passes when every `expect` appeared in order, no `forbid` did, no kernel warning came that QEMU does not show too
(`warnings`), and the process ended with the wanted status within its time. A guest with `stop = true` never ends by itself:
it is stopped as soon as the last expectation appeared. A run whose guest cannot be fetched fails.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import selectors
import signal
import struct
import subprocess
import sys
import tempfile
import time
import tomllib
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIRMWARE_LOG = "firmware.log"  # beside the screen of a dialogue


def load_guests() -> dict[str, dict]:
    with open(HERE / "guests.toml", "rb") as file:
        data = tomllib.load(file)
    return {name: data["defaults"] | guest for name, guest in data["guest"].items()}


def fetch(guest: dict) -> pathlib.Path:
    done = subprocess.run([HERE / "fetch", *guest["fetch"]], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"run_guest: cannot fetch {guest['fetch']}")
    return pathlib.Path(done.stdout.strip())


def bantam_command(guest: dict, cache: pathlib.Path, arguments: argparse.Namespace, screen: pathlib.Path) -> list[str]:
    command = [arguments.bantam, "run", "--headless", "--engine", arguments.engine, "--memory", guest["memory"],
               "--wall-limit", f"{guest['seconds']}s"]
    if not guest.get("reboots"):
        command += ["--no-reboot"]
    for image in guest.get("flash", []):
        command += ["--flash", str(cache / image)]
    for option in ("kernel", "initrd", "cdrom", "firmware"):
        if option in guest:
            command += [f"--{option}", str(cache / guest[option])]
    if "disk" in guest:
        command += ["--disk", f"{cache / guest['disk']},overlay=temp"]
    if "new_disk" in guest:
        command += ["--disk", str(screen.with_name("disk.img"))]
    if "floppy" in guest:
        command += ["--floppy", f"{cache / guest['floppy']},overlay=temp"]
    if "new_floppy" in guest:
        command += ["--floppy", str(screen.with_name("floppy.img"))]
    if "boot" in guest:
        command += ["--boot", guest["boot"]]
    if "append" in guest:
        command += ["--append", guest["append"]]
    if "cpu" in guest:
        command += ["--cpu", guest["cpu"]]
    if "time_limit" in guest:
        command += ["--time-limit", guest["time_limit"]]
    if "clock" in guest:
        command += ["--clock", guest["clock"]]
    if "picture" in guest:
        command += ["--screenshot", str(screen.with_name("screen.png"))]
    if guest.get("screen"):
        command += ["--serial", "none", "--screen-text", str(screen)]
        if "dialogue" in guest:
            command += ["--monitor", "stdio", "--debugcon", f"file:{screen.with_name(FIRMWARE_LOG)}"]
    else:
        command += ["--serial", "stdio"]
    return command


def reference_command(guest: dict, cache: pathlib.Path, folder: pathlib.Path) -> list[str]:
    command = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "max", "-display", "none", "-no-reboot",
               "-m", guest["memory"], "-serial", "stdio", "-monitor", "none"]
    if guest.get("reboots"):
        command.remove("-no-reboot")
    for unit, image in enumerate(guest.get("flash", [])):
        file, *flags = image.split(",")
        mode = "readonly=on" if "readonly" in flags else "snapshot=on"
        command += ["-drive", f"if=pflash,unit={unit},format=raw,{mode},file={cache / file}"]
    for option, name in (("-kernel", "kernel"), ("-initrd", "initrd"), ("-cdrom", "cdrom"), ("-bios", "firmware")):
        if name in guest:
            command += [option, str(cache / guest[name])]
    if "disk" in guest:
        command += ["-drive", f"file={cache / guest['disk']},format=raw,snapshot=on"]
    if "new_disk" in guest:
        command += ["-drive", f"file={folder}/disk.img,format=raw"]
    if "floppy" in guest:
        command += ["-drive", f"if=floppy,file={cache / guest['floppy']},format=raw,snapshot=on"]
    if "new_floppy" in guest:
        command += ["-drive", f"if=floppy,file={folder}/floppy.img,format=raw"]
    if "boot" in guest:
        command += ["-boot", guest["boot"]]
    if "append" in guest:
        command += ["-append", guest["append"]]
    return command


def make_disk(guest: dict, folder: pathlib.Path) -> None:
    """An empty ext4 file system of the size that new_disk says."""
    subprocess.run(["mke2fs", "-q", "-t", "ext4", str(folder / "disk.img"), guest["new_disk"]], check=True, stdout=subprocess.DEVNULL,
                   env=os.environ | {"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})


def make_floppy(folder: pathlib.Path) -> None:
    """A 1.44M diskette that says what it is, over and over."""
    (folder / "floppy.img").write_bytes((b"floppy\n" * 210652)[:1474560])


def floppy_complaints(guest: dict, folder: pathlib.Path) -> list[str]:
    got = hashlib.sha256((folder / "floppy.img").read_bytes()).hexdigest()
    return [] if got == guest["new_floppy"] else [f"the diskette: sha256 {got}, wanted {guest['new_floppy']}"]


def disk_complaints(guest: dict, folder: pathlib.Path) -> list[str]:
    """What is wrong with the disk that the guest left: e2fsck must accept it, and the files must be there."""
    tools = os.environ | {"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}
    image = str(folder / "disk.img")
    found = []
    check = subprocess.run(["e2fsck", "-fn", image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=tools, check=False)
    if check.returncode != 0:
        found.append(f"e2fsck -fn: status {check.returncode}: {check.stdout[-600:]}")
    for name, wanted in guest["files"].items():
        subprocess.run(["debugfs", "-R", f"dump {name} {folder}/file", image], stderr=subprocess.DEVNULL, env=tools, check=False)
        file = folder / "file"
        got = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "missing"
        if got != wanted:
            found.append(f"{name} on the disk: sha256 {got}, wanted {wanted}")
    return found


def picture_complaints(guest: dict, picture: pathlib.Path) -> list[str]:
    """The final screen must be a picture of the size that the guest set, with something on it."""
    data = picture.read_bytes() if picture.exists() else b""
    size = list(struct.unpack(">II", data[16:24])) if len(data) > 24 else None
    if size != guest["picture"]:
        return [f"the final screen is {size}, wanted {guest['picture']}"]
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    rows = zlib.decompress(packed)
    lit = len(rows) - rows.count(0)
    return [] if lit > len(rows) // 100 else [f"the final screen is empty but for {lit} bytes"]


def matched(expect: list[str], text: str) -> int:
    """How many of `expect` occur in `text` in their order."""
    at = 0
    for count, pattern in enumerate(expect):
        found = re.compile(pattern).search(text, at)
        if found is None:
            return count
        at = found.end()
    return len(expect)


class Outcome:
    def __init__(self) -> None:
        self.text = ""
        self.waits_for = ""  # what a dialogue was still waiting for
        self.status: int | None = None
        self.stopped = False  # by us, at the last expectation or at the time limit
        self.seconds = 0.0


def run(command: list[str], guest: dict, limit: float) -> Outcome:
    outcome = Outcome()
    started = time.monotonic()
    answers = list(guest.get("answers", []))
    process = subprocess.Popen(command, stdin=subprocess.PIPE if answers else subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    raw = bytearray()
    answered = 0
    while True:
        left = limit - (time.monotonic() - started)
        if left <= 0 or (guest.get("stop") and matched(guest["expect"], raw.decode(errors="replace")) == len(guest["expect"])):
            outcome.stopped = True
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
            raw += process.stdout.read() or b""
            break
        if selector.select(timeout=min(left, 1)):
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            raw += chunk
            if answers and (found := re.search(answers[0][0].encode(), raw[answered:])):
                answered += found.end()
                os.write(process.stdin.fileno(), answers.pop(0)[1].encode())
    outcome.status = process.wait()
    outcome.seconds = time.monotonic() - started
    outcome.text = raw.decode(errors="replace").replace("\r", "")
    return outcome


KEYS = {"\n": "ret", " ": "spc", "-": "minus", "=": "equal", "/": "slash", ".": "dot", ",": "comma", ";": "semicolon"}


def monitor_commands(line: str) -> list[str]:
    """A line of a dialogue: a monitor command, or `type TEXT`, whose characters are pressed one by one."""
    if not line.startswith("type "):
        return [line]
    return [f"sendkey {KEYS.get(character, character)}" for character in line.removeprefix("type ")]


def shown(pattern: str, screen: str, command: list[str]) -> bool:
    """Whether the screen shows `pattern`, or, where it begins with "firmware: ", the firmware's log on its debug port does:
    messages stay there, while on the screen they may be gone before anybody looks."""
    if not pattern.startswith("firmware: "):
        return re.search(pattern, screen) is not None
    log = pathlib.Path(command[command.index("--debugcon") + 1].removeprefix("file:"))
    return log.exists() and re.search(pattern.removeprefix("firmware: "), log.read_text(errors="replace")) is not None


def converse(command: list[str], guest: dict, limit: float) -> Outcome:
    """Runs a screen guest by its dialogue: once its pattern is on the screen, each command is given; then the guest is ended
    when the screen shows the expectations."""
    outcome = Outcome()
    started = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        def say(line: str) -> str:
            os.write(process.stdin.fileno(), line.encode() + b"\n")
            return listen()

        def listen() -> str:
            answer = b""
            while not answer.endswith(b"(bantam) ") and (chunk := os.read(process.stdout.fileno(), 65536)):
                answer += chunk
            return answer.decode(errors="replace").removesuffix("(bantam) ")

        turns = [*guest["dialogue"], *([pattern, ""] for pattern in guest["expect"])]
        listen()  # the first prompt
        while turns and time.monotonic() - started < limit and process.poll() is None:
            outcome.text = say("screentext")
            while turns and shown(turns[0][0], outcome.text, command):
                if line := turns.pop(0)[1]:
                    for spoken in monitor_commands(line):
                        while "keys wait already" in say(spoken) and time.monotonic() - started < limit:
                            time.sleep(0.05)
                    break
            time.sleep(0.1)
        if turns:
            outcome.waits_for = turns[0][0]
        if process.poll() is None:
            os.write(process.stdin.fileno(), b"quit\n")
        outcome.status = process.wait(timeout=20)
    outcome.seconds = time.monotonic() - started
    return outcome


def warnings_of(text: str) -> set[str]:
    """Kernel warnings without their time stamps and numbers, which differ between boards."""
    lines = re.findall(r"^bantam: warning (.*)$", text, re.MULTILINE)
    return {re.sub(r"0x[0-9a-f]+|\d+", "N", re.sub(r"^\[[^]]*\] ", "", line)) for line in lines}


def compare(name: str, guest: dict, arguments: argparse.Namespace) -> bool:
    cache = fetch(guest)
    limit = guest["seconds"] + 30
    ours = run(bantam_command(guest, cache, arguments, pathlib.Path("/dev/null")), guest, limit)
    theirs = run(reference_command(guest, cache, pathlib.Path("/dev/null")), guest, limit)
    mine, reference = warnings_of(ours.text), warnings_of(theirs.text)
    finished = "bantam: done" in ours.text and "bantam: done" in theirs.text
    print(f"{name}: {len(mine)} warnings under Bantam, {len(reference)} under QEMU{'' if finished else ': NOT FINISHED'}")
    print("".join(f"  only Bantam: {line}\n" for line in sorted(mine - reference)) +
          "".join(f"  only QEMU:   {line}\n" for line in sorted(reference - mine)), end="")
    return finished and not mine - reference


def determinism(name: str, guest: dict, arguments: argparse.Namespace) -> bool:
    cache = fetch(guest)
    outputs: set[str] = set()
    hashes: list[str] = []
    for turn in range(arguments.determinism):
        arguments.engine = "interpreter" if turn % 3 == 2 else "jit"
        command = bantam_command(guest, cache, arguments, pathlib.Path("/dev/null")) + ["--print-hash"]
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (turn % 2))]
        try:
            outcome = run(command, guest, guest["seconds"] + 30)
        finally:
            for process in busy:
                process.kill()
                process.wait()
        outputs.add(outcome.text)
        hashes += re.findall(r"\b[0-9a-f]{16,}\b", outcome.text.splitlines()[-1] if outcome.text else "") or ["none"]
    same = len(outputs) == 1 and "none" not in hashes
    print(f"{name}: {len(hashes)} runs, {'one hash: ' + hashes[0] if same else 'FAILED: ' + ' '.join(hashes)}")
    return same


def complaints(guest: dict, outcome: Outcome, text: str, reference: bool) -> list[str]:
    found = []
    count = matched(guest["expect"], text)
    if count < len(guest["expect"]):
        found.append(f"'{guest['expect'][count]}' did not appear")
    found += [f"'{pattern}' appeared" for pattern in guest["forbid"] if re.search(pattern, text)]
    for line in re.findall(r"^bantam: warning (.*)$", text, re.MULTILINE):
        if not any(re.search(known, line) for known in guest["warnings"]):
            found.append(f"kernel warning that QEMU does not show: {line}")
    if outcome.waits_for:
        found.append(f"the dialogue waits for '{outcome.waits_for}'")
    if not reference and not (guest.get("stop") and outcome.stopped) and outcome.status not in guest["status"]:
        found.append(f"exit status {outcome.status}, wanted {' or '.join(map(str, guest['status']))}")
    if guest.get("stop") and outcome.stopped and not reference and outcome.status != 0:
        found.append(f"exit status {outcome.status} after SIGTERM, wanted 0")
    return found


def run_guest(name: str, guest: dict, arguments: argparse.Namespace) -> bool:
    cache = fetch(guest)
    with tempfile.TemporaryDirectory() as folder:
        screen = pathlib.Path(folder) / "screen.txt"
        if "new_floppy" in guest:
            make_floppy(screen.parent)
        if "new_disk" in guest:
            make_disk(guest, screen.parent)
        command = reference_command(guest, cache, screen.parent) if arguments.reference else bantam_command(guest, cache, arguments, screen)
        talks = "dialogue" in guest and not arguments.reference
        outcome = (converse if talks else run)(command, guest, guest["seconds"] - 10 if talks else guest["seconds"] + 30)
        text = outcome.text
        if guest.get("screen") and screen.exists() and not talks:
            text += screen.read_text(encoding="utf-8", errors="replace")
        found = complaints(guest, outcome, text, arguments.reference)
        if "picture" in guest and not arguments.reference:
            found += picture_complaints(guest, screen.with_name("screen.png"))
        if "new_floppy" in guest and not arguments.reference:
            found += floppy_complaints(guest, screen.parent)
        if "new_disk" in guest:
            found += disk_complaints(guest, screen.parent)
    print(f"{name}: {'FAILED' if found else 'ok'} in {outcome.seconds:.1f} s")
    if found:
        print("\n".join(f"  {line}" for line in found))
        print("  command: " + " ".join(f"'{word}'" if " " in word else word for word in command))
        print("  the last lines:\n" + "\n".join("  | " + line for line in text.splitlines()[-30:]))
    if arguments.results:
        folder = pathlib.Path(arguments.results)
        folder.mkdir(parents=True, exist_ok=True)
        engine = "qemu-tcg" if arguments.reference else arguments.engine
        (folder / f"{name}.{engine}.json").write_text(
            json.dumps({"guest": name, "engine": engine, "ok": not found, "seconds": round(outcome.seconds, 1)}))
    return not found


def verdict(entry: dict, guest: dict) -> str:
    """A cell of docs/STATUS.md. Exit statuses 64-66 alone: the guest is there to be refused."""
    if not entry["ok"]:
        return f"**fails**, {entry['seconds']} s"
    if set(guest["status"]) <= {64, 65, 66}:
        return "refused as expected"
    return f"passes, {entry['seconds']} s"


def status_page(results: pathlib.Path) -> str:
    """docs/STATUS.md: guest x engine, from the result files of the last runs."""
    kept = [json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]
    engines = sorted({entry["engine"] for entry in kept}) or ["interpreter"]
    guests = load_guests()
    cells = {(entry["guest"], entry["engine"]): verdict(entry, guests[entry["guest"]]) for entry in kept if entry["guest"] in guests}
    lines = ["# Status", "", "Written by `tests/guests/run_guest.py --status FOLDER` from the results of the last runs; what each",
             "guest must show is in `tests/guests/guests.toml`. Seconds are wall time on the machine that ran the tests.", "",
             "| guest | what it is | " + " | ".join(engines) + " |", "|---|---|" + "---|" * len(engines)]
    for name, guest in guests.items():
        row = [cells.get((name, engine), "not run") for engine in engines]
        lines.append(f"| {name} | {guest['about']} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bantam", default=str(ROOT / "build/release/frontend/bantam"))
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--results")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--determinism", type=int, metavar="N")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--slow", action="store_true", help="with --list: those too long for ./check instead")
    parser.add_argument("--status", metavar="FOLDER")
    parser.add_argument("guests", nargs="*")
    arguments = parser.parse_args()
    guests = load_guests()
    if arguments.list:
        print("\n".join(f"{name};{guest['seconds']}" for name, guest in guests.items() if guest["slow"] == arguments.slow))
        return 0
    if arguments.status:
        (ROOT / "docs/STATUS.md").write_text(status_page(pathlib.Path(arguments.status)), encoding="utf-8")
        return 0
    unknown = [name for name in arguments.guests if name not in guests]
    if unknown or not arguments.guests:
        sys.exit(f"run_guest: name guests of guests.toml: {' '.join(guests)}")
    action = determinism if arguments.determinism else compare if arguments.compare else run_guest
    results = [action(name, guests[name], arguments) for name in arguments.guests]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
