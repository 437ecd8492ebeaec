#!/usr/bin/env python3
"""Images and media that are not what a machine needs: refused in words that help, or shown to the guest as a PC would."""
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BANTAM = ""


def iso(bytes_in_file: int, blocks: int) -> bytes:
    """An ISO 9660 image's beginning: a primary volume descriptor for so many blocks of 2048 bytes, and no boot record."""
    primary = bytearray(2048)
    primary[:7] = b"\1CD001\1"
    primary[80:88] = struct.pack("<I", blocks) + struct.pack(">I", blocks)
    primary[128:132] = struct.pack("<H", 2048) + struct.pack(">H", 2048)
    return (bytes(32768) + bytes(primary) + b"\xFFCD001\1").ljust(bytes_in_file, b"\0")[:bytes_in_file]


class Images(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def file(self, name: str, contents: bytes) -> str:
        (self.path / name).write_bytes(contents)
        return str(self.path / name)

    def bantam(self, *options: str) -> subprocess.CompletedProcess:
        return subprocess.run([BANTAM, "run", "--headless", "--serial", "none", "--memory", "16M", *options], capture_output=True, text=True,
                              timeout=100, stdin=subprocess.DEVNULL, check=False)

    def screen(self, *options: str) -> tuple[str, str]:
        """What firmware without anything better to boot shows after 8 s, and what was said on standard error."""
        done = self.bantam("--time-limit", "8s", "--screen-text", "-", *options)
        self.assertEqual(done.returncode, 75, done.stderr)
        return done.stdout, done.stderr

    def test_refusals(self) -> None:
        sectors = bytes(4096)
        for option, name, contents, *words in [
                ("disk", "a.qcow2", b"QFI\xfb" + sectors, "qcow2", "qemu-img convert"),
                ("disk", "a.img.gz", b"\x1f\x8b\x08" + sectors[3:], "gzip", "gunzip"),
                ("disk", "odd.img", bytes(1001), "1001 bytes", "multiple of 512", "pad it"),
                ("disk", "empty.img", b"", "empty", "create one"),
                ("cdrom", "a.bin", b"\0" + b"\xff" * 10 + b"\0" + sectors, "2352-byte", "bchunk"),
                ("cdrom", "odd.iso", bytes(100000), "multiple of 512", "fetch it again"),
                ("cdrom", "empty.iso", b"", "empty", "--cdrom none"),
                ("floppy", "odd.img", bytes(1474561), "multiple of 512", "truncate -s 1474560"),
                ("floppy", "unknown.img", bytes(1474560 + 512), "no diskette has 1475072 bytes", "1474560 (1.44M)", "truncate"),
                ("floppy", "empty.img", b"", "empty", "--floppy none"),
                ("vga-bios", "a.rom", b"\x55\xaa\x40" + sectors, "truncated", "32768"),
                ("vga-bios", "b.rom", sectors, "55h AAh")]:
            done = self.bantam(f"--{option}", self.file(name, contents))
            self.assertEqual(done.returncode, 65, f"{name}: {done.stderr}")
            for word in (name, *words):
                self.assertIn(word, done.stderr, name)
            self.assertEqual((self.path / name).read_bytes(), contents)
        for option in ("disk", "cdrom", "floppy", "flash"):
            done = self.bantam(f"--{option}", str(self.path))
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertIn("is a directory", done.stderr)
            done = self.bantam(f"--{option}", str(self.path / "absent"))
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertIn("no such file", done.stderr)

    def qemu(self, disk: str, readonly: str) -> tuple[subprocess.Popen, str]:
        """QEMU with the image, standing still, and what it says: an answer by QMP, or why not."""
        process = subprocess.Popen(["qemu-system-x86_64", "-display", "none", "-nodefaults", "-S", "-qmp", "stdio", "-drive",
                                    f"if=virtio,format=raw,file={disk},readonly={readonly}"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdin.write('{"execute": "qmp_capabilities"}\n')
        process.stdin.flush()
        said = ""
        for line in process.stdout:  # the greeting comes before the drives are there
            said += line
            if '"return"' in line:
                break
        return process, said

    def test_qemu_has_the_image_too(self) -> None:
        disk = self.file("shared.img", bytes(1 << 20))
        for theirs, ours, status in (("on", ",readonly", 75), ("on", ",overlay=temp", 75), ("on", "", 66),
                                     ("off", ",readonly", 66), ("off", ",overlay=temp", 66), ("off", "", 66)):
            with self.subTest(theirs=theirs, ours=ours):
                process, said = self.qemu(disk, theirs)
                self.assertIn("return", said)
                done = self.bantam("--disk", disk + ours, "--time-limit", "10ms")
                self.assertEqual(done.returncode, status, done.stderr)
                if status == 66:
                    self.assertIn("in use by another emulator", done.stderr)
                process.kill()
                process.wait()

    def test_qemu_comes_second(self) -> None:
        disk = self.file("shared.img", bytes(1 << 20))
        for ours, theirs, starts in ((",readonly", "on", True), (",overlay=temp", "on", True), (",readonly", "off", False),
                                     ("", "on", False), ("", "off", False)):
            with self.subTest(ours=ours, theirs=theirs):
                qmp = self.path / "qmp"  # is there when the machine has its disk
                machine = subprocess.Popen([BANTAM, "run", "--headless", "--serial", "none", "--memory", "16M", "--paused", "--disk", disk + ours,
                                            "--qmp", f"unix:{qmp}"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.addCleanup(machine.wait)
                self.addCleanup(machine.kill)
                deadline = time.monotonic() + 30
                while not qmp.exists():
                    self.assertLess(time.monotonic(), deadline, "no socket")
                    time.sleep(0.02)
                process, said = self.qemu(disk, theirs)
                self.assertRegex(said, "return" if starts else "Failed to (get|lock)")
                process.kill()
                machine.terminate()
                self.assertEqual(machine.wait(timeout=20), 0)

    def test_a_truncated_cd_is_announced(self) -> None:
        screen, errors = self.screen("--cdrom", self.file("short.iso", iso(100 * 2048, 5000)))
        self.assertIn("short.iso': is truncated: its volume has 10240000 bytes, the file only 204800; fetch it again", errors)
        self.assertIn("Boot failed: Could not read from CDROM (code 0004)", screen)

    def test_a_cd_without_boot_record(self) -> None:
        screen, errors = self.screen("--cdrom", self.file("data.iso", iso(100 * 2048, 100)))
        self.assertNotIn("truncated", errors)
        self.assertIn("Boot failed: Could not read from CDROM (code 0004)", screen)
        self.assertIn("No bootable device", screen)

    def test_drives_without_media(self) -> None:
        screen, _ = self.screen("--cdrom", "none")
        self.assertIn("Boot failed: Could not read from CDROM (code 0003)", screen)
        screen, _ = self.screen("--floppy", "none", "--floppy", "none")
        self.assertRegex(screen, r"(?s)Booting from Floppy...\s+Boot failed: could not read the boot disk.*No bootable device")

    def test_a_diskette_without_boot_sector(self) -> None:
        screen, _ = self.screen("--floppy", self.file("data.img", bytes(1474560)))
        self.assertRegex(screen, r"(?s)Booting from Floppy...\s+Boot failed: not a bootable disk")


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
