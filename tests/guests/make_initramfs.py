#!/usr/bin/env python3
"""Writes a gzip-compressed newc cpio archive: busybox, links for its applets, our /init, and the device nodes it needs.

Same input, same bytes: times are zero and names are sorted. Format: linux/Documentation/driver-api/early-userspace
("newc": 110-byte ASCII header, name, data, each padded to 4 bytes). Applets are linked by /init itself at boot
(busybox --install), so no i386 program has to run here.
"""
import argparse
import gzip
import pathlib
import stat
import sys


class Cpio:
    def __init__(self) -> None:
        self.data = bytearray()
        self.inode = 1

    def add(self, name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        fields = (self.inode, mode, 0, 0, 2 if stat.S_ISDIR(mode) else 1, 0, len(content), 0, 0, *device, len(name) + 1, 0)
        self.data += b"070701" + b"".join(b"%08X" % field for field in fields)
        self.data += name.encode() + b"\0"
        self.pad()
        self.data += content
        self.pad()
        self.inode += 1

    def pad(self) -> None:
        self.data += bytes(-len(self.data) % 4)

    def finish(self) -> bytes:
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busybox", type=pathlib.Path, required=True)
    parser.add_argument("--init", type=pathlib.Path, required=True)
    parser.add_argument("--modules", type=pathlib.Path, help="folder of kernel modules that /init may load")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()

    archive = Cpio()
    for folder in ("bin", "dev", "etc", "proc", "root", "sbin", "sys", "tmp", "usr", "usr/bin", "usr/sbin"):
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("dev/null", stat.S_IFCHR | 0o666, device=(1, 3))
    archive.add("bin/busybox", stat.S_IFREG | 0o755, arguments.busybox.read_bytes())
    archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    if arguments.modules:
        archive.add("modules", stat.S_IFDIR | 0o755)
        for module in sorted(arguments.modules.glob("*.ko")):
            archive.add(f"modules/{module.name}", stat.S_IFREG | 0o644, module.read_bytes())
    archive.add("init", stat.S_IFREG | 0o755, arguments.init.read_bytes())

    partial = arguments.output.with_suffix(".partial")
    with open(partial, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(archive.finish())
    partial.rename(arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
