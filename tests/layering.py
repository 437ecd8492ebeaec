#!/usr/bin/env python3
"""Reads the #include lines of every source file against the list of who may see whom (docs/ARCHITECTURE.md).

A folder sees itself and the entries named for it: folders, or single headers. Third-party headers that belong to one folder
only are named too. A folder of sources that is not in the list is an error, so that new ones are decided on.
"""
import pathlib
import re
import subprocess
import sys

ALLOWED = {
    "base": [],
    "mmu": ["base"],
    "cpu": ["mmu", "base"],
    "jit": ["cpu", "mmu", "base"],
    "storage": ["base"],
    "devices": ["mmu/physical_memory.h", "storage", "base"],
    "machine": ["cpu", "jit", "mmu", "devices", "storage", "base", "plugins/include/bantam/plugin.h"],
    "scenario": ["machine", "devices", "cpu", "mmu", "base"],
    "frontend": ["scenario", "machine", "devices/audio_frame.h", "devices/code_page_437.h", "devices/frame.h", "devices/hid_keys.h", "devices/key_names.h", "jit/optimisations.h", "cpu", "mmu", "base"],
    "plugins": [],
    "bench": ["machine", "cpu", "jit", "mmu", "devices", "storage", "base"],
    "tests": ["frontend", "scenario", "machine", "cpu", "jit", "mmu", "devices", "storage", "base"],
}
# Who may use a library, by the start of its include.
LIBRARIES = {
    "asmjit/": ["cpu/host", "jit"],
    "capstone/": ["cpu/isa/disassemble.cpp", "tests"],
    "Zydis/": ["tests"],
    "SDL2/": ["frontend"],
    "gnutls/": ["frontend/remote/gnutls_server.cpp"],
    "rfb/": ["frontend/remote/libvncserver_viewer.cpp", "tests"],
    "CLI/": ["frontend", "tests"],
    "toml++/": ["frontend"],
    "nlohmann/": ["frontend", "tests"],
    "spdlog/": ["base"],
    "zlib.h": ["machine", "scenario/font_search.cpp", "tests"],
    "png.h": ["scenario/picture.cpp"],
    "gtest/": ["tests"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def may_see(path: str, included: str) -> bool:
    folder = path.split("/", 1)[0]
    allowed = [folder, *ALLOWED[folder]]
    return any(included == entry or included.startswith(entry + "/") for entry in allowed)


def problems(root: pathlib.Path) -> list[str]:
    found = []
    listing = subprocess.run(["git", "ls-files", "*.c", "*.cpp", "*.h"], cwd=root, capture_output=True, text=True, check=True)
    for path in listing.stdout.split():
        folder = path.split("/", 1)[0]
        if folder not in ALLOWED:
            found.append(f"{path}: folder {folder} is not in tests/layering.py: say what it may include")
            continue
        for quote, included in INCLUDE.findall((root / path).read_text(encoding="utf-8")):
            beside = "/" not in included and (root / path).with_name(included).exists()
            if quote == '"' and not beside and not may_see(path, included):
                found.append(f"{path}: {folder} may not include {included}")
            for library, users in LIBRARIES.items():
                if included.startswith(library) and not any(path == user or path.startswith(user + "/") for user in users):
                    found.append(f"{path}: {included} may be used in {', '.join(users)} only")
    return found


def main() -> int:
    found = problems(pathlib.Path(__file__).resolve().parent.parent)
    if found:
        print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
