#!/usr/bin/env python3
"""Runs scenarios of boots/ by `bantam test`, keeps how it went, and writes docs/STATUS.md of it.

    run_guest.py --bantam FILE [--engine NAME] [--results FOLDER] GUEST...   run guests; status 1 when one fails
    run_guest.py --list [--slow]                                             names and seconds that they may take, for CMake
    run_guest.py --status FOLDER                                             rewrite docs/STATUS.md from kept results

What a guest must show is in its scenario; boots.py says what is done before. A guest that cannot be fetched fails.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import boots

ROOT = boots.HERE.parent.parent
LAST_LINES = 30


def run_guest(boot: boots.Boot, arguments: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        work, artifacts = folder / "work", folder / "artifacts"
        work.mkdir()
        given = boot.made_ready(work)
        command = [arguments.bantam, "test", str(boot.file), "--engine", arguments.engine, "--artifacts", str(artifacts)]
        started = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              env=boots.environment(given), check=False)
        seconds = round(time.monotonic() - started, 1)
        passed = done.returncode == 0
        print(f"{boot.name}: {'ok' if passed else 'FAILED'} in {seconds} s\n{done.stdout}", end="", flush=True)
        serial = artifacts / boot.name / "serial1.log"
        if not passed and serial.exists():
            lines = serial.read_text(errors="replace").splitlines()[-LAST_LINES:]
            print("  the last lines on COM1:\n" + "\n".join("  | " + line for line in lines))
    if arguments.results:
        results = pathlib.Path(arguments.results)
        results.mkdir(parents=True, exist_ok=True)
        (results / f"{boot.name}.{arguments.engine}.json").write_text(
            json.dumps({"guest": boot.name, "engine": arguments.engine, "ok": passed, "seconds": seconds}))
    return passed


def verdict(entry: dict, boot: boots.Boot) -> str:
    """A cell of docs/STATUS.md."""
    if not entry["ok"]:
        return f"**fails**, {entry['seconds']} s"
    return "refused as expected" if boot.refused else f"passes, {entry['seconds']} s"


def status_page(results: pathlib.Path) -> str:
    """docs/STATUS.md: guest x firmware x engine, from the scenarios and the result files of the last runs."""
    kept = [json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]
    guests = boots.load()
    cells = {(entry["guest"], entry["engine"]): verdict(entry, guests[entry["guest"]]) for entry in kept if entry["guest"] in guests}
    engines = ["interpreter", "jit"]
    lines = ["# Status", "", "Written by `tests/guests/run_guest.py --status FOLDER` from the scenarios in `tests/guests/boots`, which say what",
             "each guest must show, and the results of their last runs. Seconds are wall time on the machine that ran them.", "",
             "| guest | what it is | firmware | " + " | ".join(engines) + " |", "|---|---|---|" + "---|" * len(engines)]
    for boot in sorted(guests.values(), key=lambda boot: (boot.variables["firmware"], boot.name)):
        row = [cells.get((boot.name, engine), "not run") for engine in engines]
        lines.append(f"| {boot.name} | {boot.about} | {boot.variables['firmware']} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bantam", default=str(ROOT / "build/release/frontend/bantam"))
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--results")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--slow", action="store_true", help="with --list: those too long for ./check instead")
    parser.add_argument("--status", metavar="FOLDER")
    parser.add_argument("guests", nargs="*")
    arguments = parser.parse_args()
    guests = boots.load()
    if arguments.list:
        print("\n".join(f"{boot.name};{boot.wall_seconds}" for boot in guests.values() if boot.slow == arguments.slow))
        return 0
    if arguments.status:
        (ROOT / "docs/STATUS.md").write_text(status_page(pathlib.Path(arguments.status)), encoding="utf-8")
        return 0
    unknown = [name for name in arguments.guests if name not in guests]
    if unknown or not arguments.guests:
        sys.exit(f"run_guest: name guests of boots/: {' '.join(guests)}")
    results = [run_guest(guests[name], arguments) for name in arguments.guests]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
