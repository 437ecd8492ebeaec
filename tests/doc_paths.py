#!/usr/bin/env python3
"""Checks that every path the documents name in backquotes exists, and that every relative link leads somewhere.

A word in backquotes counts as a path when it starts with a folder of the project or with "./" and has no spaces or
placeholders; build/ is made, not kept, so it is left out.
"""
import pathlib
import re
import subprocess
import sys

SKIPPED = ("build/",)


def problems(root: pathlib.Path) -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    folders = {path.split("/", 1)[0] for path in listing if "/" in path}
    found = []
    for document in (path for path in listing if path.endswith(".md")):
        text = (root / document).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            named = [word.split()[0] for word in re.findall(r"`([^`]+)`", line) if word.strip()]
            named = [word for word in named if word.startswith("./") or word.split("/", 1)[0] in folders and "/" in word]
            linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line)
            base = (root / document).parent
            for path in named:
                if path.startswith(SKIPPED) or any(mark in path for mark in "*{<$"):
                    continue
                if not (root / path.rstrip(".,:;")).exists():
                    found.append(f"{document}:{number}: {path} does not exist")
            found += [f"{document}:{number}: link to {link} leads nowhere" for link in linked if not (base / link).exists()]
    return found


def main() -> int:
    found = problems(pathlib.Path(__file__).resolve().parent.parent)
    if found:
        print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
