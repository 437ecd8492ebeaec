#!/usr/bin/env python3
"""An lcov tracefile (for genhtml) of what the plugin coverage has counted, by the line numbers of ELF files.

usage: coverage_to_lcov.py COVERAGE ELF[@OFFSET]... > FILE.info

OFFSET (hexadecimal) is added to the file's addresses, for programs and modules that are loaded elsewhere. Needs objdump and
addr2line (binutils). A line's count is the greatest of its instructions'.
"""
import bisect
import collections
import re
import subprocess
import sys

ROW = re.compile(r"^\S+\s+(?:\d+|-)\s+(0x[0-9a-f]+)\b", re.MULTILINE)


def read_coverage(path: str) -> list[tuple[int, int, int]]:
    """(address, bytes, executions) by address."""
    rows = []
    with open(path, encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            try:
                address, size, executions = line.split()
                rows.append((int(address, 16), int(size, 16), int(executions)))
            except ValueError:
                sys.exit(f"{path}: line {number} is no line of the plugin coverage")
    return sorted(rows)


class Counts:
    def __init__(self, rows: list[tuple[int, int, int]]) -> None:
        self.rows, self.starts = rows, [row[0] for row in rows]
        self.longest = max((row[1] for row in rows), default=0)

    def at(self, address: int) -> int:
        """How often the instruction there was executed: blocks may overlap where execution began in the midst of one."""
        total, i = 0, bisect.bisect_right(self.starts, address) - 1
        while i >= 0 and self.starts[i] > address - self.longest:
            start, size, executions = self.rows[i]
            if address < start + size:
                total += executions
            i -= 1
        return total


def run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.strip() or f"{command[0]} failed")
    return done.stdout


def lines_of(elf: str) -> list[tuple[int, str, int]]:
    """(address, source file, line) of every row of the line number program."""
    addresses = sorted({int(text, 16) for text in ROW.findall(run("objdump", "--dwarf=decodedline", elf))})
    places = run("addr2line", "-e", elf, text="".join(f"{address:x}\n" for address in addresses)).splitlines()
    found = []
    for address, place in zip(addresses, places):
        source, line = place.split(" (discriminator")[0].rsplit(":", 1)
        if source != "??" and line.isdigit() and line != "0":
            found.append((address, source, int(line)))
    return found


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 64
    counts = Counts(read_coverage(sys.argv[1]))
    sources: dict[str, dict[int, int]] = collections.defaultdict(dict)
    for argument in sys.argv[2:]:
        elf, _, offset = argument.partition("@")
        found = lines_of(elf)
        if not found:
            sys.exit(f"{elf}: no line numbers (build it with -g)")
        for address, source, line in found:
            lines = sources[source]
            lines[line] = max(lines.get(line, 0), counts.at(address + int(offset or "0", 16)))
    for source in sorted(sources):
        lines = sources[source]
        print(f"SF:{source}")
        for line in sorted(lines):
            print(f"DA:{line},{lines[line]}")
        print(f"LF:{len(lines)}\nLH:{sum(count != 0 for count in lines.values())}\nend_of_record")
    return 0


if __name__ == "__main__":
    sys.exit(main())
