#!/usr/bin/env python3
"""The scenarios of boots/ under qemu-system-x86_64 (TCG): is it the guest, or is it Bantam?

    reference.py GUEST...                            run guests there; status 1 when one fails
    reference.py --compare [--bantam FILE] GUEST...  kernel warnings that only Bantam, or only QEMU, shows

Steps are taken as far as QEMU allows: where it says nothing (a guest that halted for good, a hash) they pass.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import boots

ROOT = boots.HERE.parent.parent
sys.path.append(str(ROOT / "bench"))
import sessions  # noqa: E402


class Reference(sessions.Watch):
    def __init__(self, session: sessions.Piped, boot: boots.Boot, folder: pathlib.Path) -> None:
        super().__init__(session, boot.wall_seconds)
        self.boot, self.folder = boot, folder

    def take(self, step: dict) -> bool:
        if "wait-power-off" in step:
            return self.ended()
        if "wait-time" in step or "wait-stable" in step:
            time.sleep(boots.seconds(step.get("wait-time") or step["wait-stable"]))
        elif "power-button" in step:
            self.session.ask("system_powerdown")
        elif "run" in step:
            return self.run(step["run"])
        elif not {"wait-halt", "hash"} & step.keys():
            return super().take(step)
        return True

    def ended(self) -> bool:
        while self.listen():
            pass
        return self.session.process.wait(timeout=10) == 0

    def run(self, command: str) -> bool:
        (self.folder / "serial1.log").write_bytes(self.said)
        (self.folder / "screen.txt").write_text("")
        if self.session.process.poll() is None:
            (self.folder / "screen.txt").write_text(self.session.screen(), encoding="utf-8")
            self.session.ask("screendump", filename=str(self.folder / "screen.png"), format="png")
        return subprocess.run(["/bin/sh", "-c", command], cwd=self.folder, env=boots.TOOLS, check=False).returncode == 0


def run(file: pathlib.Path) -> tuple[str, str]:
    """What went wrong, if anything, and what COM1 said."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        boot = boots.read(file, boots.read(file, {}).made_ready(folder))
        session = sessions.qemu(boot, folder, qmp=True)
        watch = Reference(session, boot, folder)
        try:
            for step in boot.steps:
                if not watch.take(step):
                    return f"not done: {step}", watch.said.decode(errors="replace")
            return "", watch.said.decode(errors="replace")
        except (RuntimeError, OSError, EOFError, subprocess.TimeoutExpired) as problem:  # it ended, or its monitor refused
            return f"{step}: {problem!r}", watch.said.decode(errors="replace")
        finally:
            session.close()


def warnings_of(text: str) -> set[str]:
    """Kernel warnings without their time stamps and numbers, which differ between boards."""
    lines = re.findall(r"^bantam: warning (.*)$", text.replace("\r", ""), re.MULTILINE)
    return {re.sub(r"0x[0-9a-f]+|\d+", "N", re.sub(r"^\[[^]]*\] ", "", line)) for line in lines}


def compare(boot: boots.Boot, bantam: str) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        given = boot.made_ready(folder)
        subprocess.run([bantam, "test", boot.file, "--artifacts", folder], stdout=subprocess.DEVNULL, env=boots.environment(given), check=False)
        ours = (folder / boot.name / "serial1.log").read_text(errors="replace")
    _, theirs = run(boot.file)
    mine, reference = warnings_of(ours), warnings_of(theirs)
    finished = "bantam: done" in ours and "bantam: done" in theirs
    print(f"{boot.name}: {len(mine)} warnings under Bantam, {len(reference)} under QEMU{'' if finished else ': NOT FINISHED'}")
    print("".join(f"  only Bantam: {line}\n" for line in sorted(mine - reference)) +
          "".join(f"  only QEMU:   {line}\n" for line in sorted(reference - mine)), end="")
    return finished and not mine - reference


def passes(boot: boots.Boot) -> bool:
    if boot.refused:
        print(f"{boot.name}: says nothing about QEMU")
        return True
    started = time.monotonic()
    problem, text = run(boot.file)
    print(f"{boot.name}: {'FAILED' if problem else 'ok'} in {time.monotonic() - started:.1f} s")
    if problem:
        print(f"  {problem}\n  the last lines on COM1:\n" + "\n".join("  | " + line for line in text.splitlines()[-30:]))
    return not problem


def main() -> int:
    guests = boots.load()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bantam", default=str(ROOT / "build/release/frontend/bantam"))
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("guests", nargs="+", choices=guests, metavar="GUEST", help=f"of {' '.join(guests)}")
    arguments = parser.parse_args()
    results = [compare(guests[name], arguments.bantam) if arguments.compare else passes(guests[name]) for name in arguments.guests]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
