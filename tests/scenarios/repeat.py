#!/usr/bin/env python3
"""Runs a scenario several times: every run must pass, and all traces (guest times of all steps, hashes) and what the guest sent on COM1
must be the same.

What --fetch names is fetched first (tests/guests/fetch); the variable `guests` of the scenario is where it lies. With more than one run, engines take turns and every second run has busy processes beside it.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile


FETCH = pathlib.Path(__file__).resolve().parent.parent / "guests/fetch"


def fetch(names: list[str]) -> str:
    done = subprocess.run([FETCH, *names], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"repeat: cannot fetch {names}")
    return done.stdout.strip()


def run(bantam: str, scenario: str, guests: str, engine: str, loaded: bool) -> str:
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))] if loaded else []
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([bantam, "test", scenario, "--engine", engine, "--artifacts", folder],
                                  env={**os.environ, "BANTAM_VAR_guests": guests}, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{engine}: status {done.returncode}\n{done.stdout}{done.stderr}")
            artifacts = pathlib.Path(folder) / pathlib.Path(scenario).stem
            return "".join((artifacts / name).read_text(errors="replace") for name in ("serial1.log", "trace.txt"))
    finally:
        for process in load:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bantam", required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--fetch", nargs="*", default=[])
    parser.add_argument("--scenario", required=True)
    arguments = parser.parse_args()
    engines = ["jit", "interpreter"]
    guests = fetch(arguments.fetch) if arguments.fetch else ""
    first = run(arguments.bantam, arguments.scenario, guests, "jit", False)
    for i in range(1, arguments.runs):
        trace = run(arguments.bantam, arguments.scenario, guests, engines[i % 2], i % 2 == 0)
        if trace != first:
            sys.exit(f"run {i + 1} says something else:\n{trace}\nthe first:\n{first}")
    print(first)


if __name__ == "__main__":
    main()
