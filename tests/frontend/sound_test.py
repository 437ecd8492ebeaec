#!/usr/bin/env python3
"""Guests of our own make sound, `bantam run --audio wav:FILE` writes it down, and the spectrum must be what their registers say.
Guests are assembled here; amplitudes are by the Goertzel algorithm under a Hann window."""
import math
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import guest_image
import x_display

BANTAM = ""
RATE = 48000

# IN takes 720 ns in virtual time, LOOP 1 ns.
WAIT = """
%macro wait_ms 1
    mov ecx, %1 * 1000000 / 721
%%again: in al, 80h
    loop %%again
%endmacro
"""
# The refresh toggle changes every 15.085 us.
REAL_WAIT = """
%macro wait_ms 1
    mov ecx, %1 * 1000000 / 15085
%%again: in al, 61h
    and al, 10h
    cmp al, bl
    je %%again
    mov bl, al
    loop %%again
%endmacro
"""
PRELUDE = """
bits 32
%macro outb 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro
""" + WAIT + """
%macro power_off 0
    mov dx, 604h
    mov ax, 2000h
    out dx, ax
    hlt
%endmacro
"""

# 1193182 / 1193 = 1000.15 Hz from the timer for half a second, then silence
SPEAKER = PRELUDE + """
    outb 43h, 0B6h
    outb 42h, 1193 & 255
    outb 42h, 1193 >> 8
    wait_ms 100
    outb 61h, 3
    wait_ms 500
    outb 61h, 0
    wait_ms 400
    power_off
"""

# The data bit alone, every 250 us: 2000 Hz
DATA_BIT = PRELUDE + """
    outb 43h, 0B6h          ; gate off: OUT2 is high
    mov ebx, 2000
again: mov eax, ebx
    and al, 1
    add al, al
    out 61h, al
    mov ecx, 345
delay: in al, 80h
    loop delay
    dec ebx
    jnz again
    power_off
"""

# The DSP: reset, commands from `program` on, EBX interrupts by bit %1 of the mixer's status, acknowledged at port %2.
SB = PRELUDE + """
%macro reset_dsp 0
    outb 226h, 1
    wait_ms 1
    outb 226h, 0
    wait_ms 1
    mov dx, 22Ah
    in al, dx
    cmp al, 0AAh
    jne bad
%endmacro
%macro send_program 0
    mov esi, program
    mov dx, 22Ch
%%send: in al, dx
    test al, 80h
    jnz %%send
    lodsb
    out dx, al
    cmp esi, program_end
    jb %%send
%endmacro
%macro wait_blocks 2
%%next: outb 224h, 82h
    mov dx, 225h
%%wait: in al, dx
    test al, %1
    jz %%wait
    mov dx, %2
    in al, dx
    dec ebx
    jnz %%next
%endmacro
"""

# A sine on the left, another on the right, in one auto-initialised block of 16-bit stereo; interrupts are counted by polling.
SB16_16 = SB + """
    reset_dsp
    outb 0DAh, 0            ; the second 8237: channel 5, memory to card, auto-initialised
    outb 0D6h, 0C0h
    outb 0D4h, 0
    outb 0D6h, 59h
    outb 0D8h, 0
    mov eax, samples
    shr eax, 1
    mov dx, 0C4h
    out dx, al
    mov al, ah
    out dx, al
    outb 0C6h, (FRAMES * 2 - 1) & 255
    outb 0C6h, (FRAMES * 2 - 1) >> 8
    outb 8Bh, samples_page
    outb 0D4h, 1
    send_program
    mov ebx, 20             ; blocks
    wait_blocks 2, 22Fh
    outb 22Ch, 0D5h
    wait_ms 100
    power_off
bad: outb 0F4h, 1
program: db 41h, RATE >> 8, RATE & 255, 0B6h, 30h, (FRAMES * 2 - 1) & 255, (FRAMES * 2 - 1) >> 8
program_end:
    align 4
samples:
"""

# A sine in one auto-initialised block of 8-bit mono at 10 kHz, as programs for the first Sound Blasters play it.
SB_8 = SB + """
    reset_dsp
    outb 0Ah, 5             ; the first 8237: channel 1, memory to card, auto-initialised
    outb 0Ch, 0
    outb 0Bh, 59h
    mov eax, samples
    outb 2, al
    mov eax, samples
    outb 2, ah
    outb 83h, samples_page
    outb 3, (FRAMES - 1) & 255
    outb 3, (FRAMES - 1) >> 8
    outb 0Ah, 1
    send_program
    mov ebx, 20             ; blocks
    wait_blocks 1, 22Eh
    outb 22Ch, 0D0h
    wait_ms 100
    power_off
bad: outb 0F4h, 1
program: db 0D1h, 40h, 256 - 1000000 / RATE, 48h, (FRAMES - 1) & 255, (FRAMES - 1) >> 8, 1Ch
program_end:
    align 4
samples:
"""

# AC'97: the function is looked for on PCI; a sine on the left, another on the right, in a list of twenty descriptors.
AC97 = PRELUDE + """
%macro config 1
    lea eax, [ebx + %1]
    mov dx, 0CF8h
    out dx, eax
    mov dx, 0CFCh
    in eax, dx
%endmacro
%macro codec 2
    lea edx, [esi + %1]
    mov ax, %2
    out dx, ax
%endmacro
    mov ebx, 80000000h
find: config 0
    cmp eax, 24158086h
    je found
    add ebx, 800h
    cmp ebx, 80010000h
    jb find
bad: outb 0F4h, 1
found: config 4
    or eax, 5               ; I/O and bus master
    out dx, eax
    config 10h
    and eax, 0FFFCh
    mov esi, eax            ; the codec
    config 14h
    and eax, 0FFFCh
    mov edi, eax            ; the engines
    lea edx, [edi + 2Ch]
    mov eax, 2              ; the end of the cold reset
    out dx, eax
    lea edx, [edi + 30h]
ready: in eax, dx
    test ah, 1
    jz ready
    codec 2, 0
    codec 18h, 0808h        ; 0 dB
    codec 2Ah, 1            ; variable rate
    codec 2Ch, RATE
    in ax, dx
    cmp ax, RATE
    jne bad
    lea edx, [edi + 10h]
    mov eax, list
    out dx, eax
    lea edx, [edi + 15h]
    mov al, 19
    out dx, al
    lea edx, [edi + 1Bh]
    mov al, 1
    out dx, al
    lea edx, [edi + 16h]
playing: in ax, dx
    test al, 1              ; halted, at the end of the list
    jz playing
    wait_ms 100
    power_off
    align 8
list: times 20 dd samples, FRAMES * 2
samples:
"""

# AdLib: detection by the timers, then a sine of 0x244 * 2^-16 * 49716 = 440.0 Hz on channel 0.
ADLIB = PRELUDE + """
%macro opl 2
    mov dx, 388h
    mov al, %1
    out dx, al
    mov ecx, 6
%%a: in al, dx
    loop %%a
    inc dx
    mov al, %2
    out dx, al
    mov ecx, 35
%%b: in al, dx
    loop %%b
%endmacro
%macro expect 1             ; status bits 7-5
    mov dx, 388h
    in al, dx
    and al, 0E0h
    cmp al, %1
    jne bad
%endmacro
    opl 4, 60h
    opl 4, 80h
    expect 0
    opl 2, 0FFh
    opl 4, 21h
    wait_ms 1
    expect 0C0h
    opl 4, 60h
    opl 4, 80h
    expect 0
    opl 20h, 21h
    opl 40h, 3Fh
    opl 60h, 0              ; the modulator never begins
    opl 80h, 0Fh
    opl 23h, 21h
    opl 43h, 0
    opl 63h, 0F0h
    opl 83h, 0Fh
    opl 0A0h, 44h
    opl 0B0h, 32h
    wait_ms 500
    opl 0B0h, 12h
    wait_ms 300
    power_off
bad: outb 0F4h, 1
"""


def sine(rate: int, hertz: float, peak: float) -> list[int]:
    """50 ms, in which frequencies of whole multiples of 20 Hz are whole numbers of turns."""
    return [round(peak * math.sin(2 * math.pi * hertz * n / rate)) for n in range(rate // 20)]


def block_kernel(folder: pathlib.Path, program: str, rate: int, block: bytes) -> str:
    """The source of a program that plays the block over and over."""
    (folder / "block").write_bytes(block)
    return (f"%define RATE {rate}\n%define FRAMES {rate // 20}\norg 100020h\n%define samples_page 10h\n" + program +
            f'incbin "{folder}/block"\n')


def stereo_kernel(folder: pathlib.Path, program: str, rate: int, left_hertz: float, right_hertz: float) -> str:
    """... of two sines of 16 bits."""
    frames = zip(sine(rate, left_hertz, 12000), sine(rate, right_hertz, 12000))
    return block_kernel(folder, program, rate, b"".join(struct.pack("<hh", *frame) for frame in frames))


def assemble(folder: pathlib.Path, source: str) -> str:
    """The path of a multiboot kernel of `source`."""
    (folder / "guest.asm").write_text(source)
    subprocess.run(["nasm", "-f", "bin", "-o", folder / "code", folder / "guest.asm"], check=True)
    return guest_image.write_kernel(folder / "kernel", (folder / "code").read_bytes())


def read_wav(path: pathlib.Path) -> list[tuple[int, int]]:
    data = path.read_bytes()
    riff, size, wave, _, channels, rate, _, _, bits, name, count = struct.unpack("<4sI8sI2xHIIHH4sI", data[:44])
    assert (riff, wave, channels, rate, bits, name) == (b"RIFF", b"WAVEfmt ", 2, RATE, 16, b"data"), data[:44]
    assert size == count + 36 and len(data) >= 44 + count, (size, count, len(data))
    return list(struct.iter_unpack("<hh", data[44:44 + count]))


def amplitude(frames: list[tuple[int, int]], hertz: float, channel: int = 0) -> float:
    """Peak amplitude of the sine of that frequency."""
    count, turn, real, imaginary = len(frames), 2 * math.pi * hertz / RATE, 0.0, 0.0
    for n, frame in enumerate(frames):
        weighted = frame[channel] * (0.5 - 0.5 * math.cos(2 * math.pi * n / count))
        real += weighted * math.cos(turn * n)
        imaginary -= weighted * math.sin(turn * n)
    return 4 * math.hypot(real, imaginary) / count


class SoundTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.wav = self.path / "sound.wav"

    def command(self, source: str, *more: str) -> list[str]:
        return [BANTAM, "run", "--kernel", assemble(self.path, source), "--memory", "16M", "--serial", "none", "--headless",
                "--wall-limit", "100s", *more]

    def record(self, source: str, *more: str) -> list[tuple[int, int]]:
        done = subprocess.run(self.command(source, "--audio", f"wav:{self.wav}", *more), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=110, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return read_wav(self.wav)

    def part(self, frames: list[tuple[int, int]], first_ms: int, end_ms: int) -> list[tuple[int, int]]:
        return frames[first_ms * RATE // 1000:end_ms * RATE // 1000]

    def expect_level(self, frames: list[tuple[int, int]], hertz: float, wanted: float, channel: int = 0, within_db: float = 0.3) -> None:
        found = amplitude(frames, hertz, channel)
        self.assertLess(abs(20 * math.log10(max(found, 0.01) / wanted)), within_db, f"{hertz} Hz: {found:.1f}, not {wanted:.1f}")

    def expect_nothing(self, frames: list[tuple[int, int]], hertz: float, most: float = 8, channel: int = 0) -> None:
        self.assertLess(amplitude(frames, hertz, channel), most, f"{hertz} Hz")

    def test_speaker_tone(self) -> None:
        frames = self.record(SPEAKER)
        self.assertAlmostEqual(len(frames) / RATE, 1.0, delta=0.01)
        tone, hertz = self.part(frames, 200, 500), 1193182 / 1193
        for harmonic in (1, 3, 5, 9):
            self.expect_level(tone, hertz * harmonic, 2 * 8192 / math.pi / harmonic)
        for other in (hertz / 2, 2 * hertz, 4 * hertz, 48000 - 25 * hertz, 440):
            self.expect_nothing(tone, other)
        self.assertEqual(set(self.part(frames, 0, 95)), {(0, 0)})
        self.assertEqual(set(self.part(frames, 950, 990)), {(0, 0)})

    def test_speaker_data_bit(self) -> None:
        frames = self.part(self.record(DATA_BIT), 100, 400)
        hertz = max(range(1900, 2100), key=lambda hertz: amplitude(frames[:4800], hertz))
        self.assertAlmostEqual(hertz, 2000, delta=25)

    def test_sound_blaster_16_bit_stereo(self) -> None:
        frames = self.record(stereo_kernel(self.path, SB16_16, 22000, 440, 1000), "--sound", "sb16", "--debug-exit")
        tone = self.part(frames, 100, 900)
        self.expect_level(tone, 440, 12000, channel=0)
        self.expect_level(tone, 1000, 12000, channel=1)
        for hertz, channel in ((1000, 0), (440, 1), (22000 - 440, 0), (22000 - 1000, 1), (880, 0)):
            self.expect_nothing(tone, hertz, channel=channel)
        self.assertAlmostEqual(len(frames) / RATE, 1.1, delta=0.02)

    def test_sound_blaster_8_bit_mono(self) -> None:
        block = bytes(128 + level for level in sine(10000, 440, 100))
        frames = self.record(block_kernel(self.path, SB_8, 10000, block), "--sound", "sb16", "--debug-exit")
        tone = self.part(frames, 100, 900)
        for channel in (0, 1):
            self.expect_level(tone, 440, 100 * 256, channel=channel)
            for hertz in (10000 - 440, 10000 + 440, 20000 - 440):
                self.expect_nothing(tone, hertz, channel=channel)
            self.expect_nothing(tone, 880, most=100, channel=channel)  # eight bits are coarse
            self.expect_nothing(self.part(frames, 1050, 1090), 440, channel=channel)

    def test_ac97(self) -> None:
        frames = self.record(stereo_kernel(self.path, AC97, 44100, 440, 1000), "--sound", "ac97", "--debug-exit")
        tone = self.part(frames, 100, 900)
        self.expect_level(tone, 440, 12000, channel=0)
        self.expect_level(tone, 1000, 12000, channel=1)
        # The images at 44100 Hz less the tones would come back as these.
        for hertz, channel in ((1000, 0), (440, 1), (48000 - 44100 + 440, 0), (48000 - 44100 + 1000, 1), (880, 0)):
            self.expect_nothing(tone, hertz, channel=channel)
        self.assertAlmostEqual(len(frames) / RATE, 1.1, delta=0.02)

    def test_adlib(self) -> None:
        frames = self.record(ADLIB, "--sound", "sb16", "--debug-exit")
        hertz = 0x244 / 65536 * 14318180 / 288
        tone = self.part(frames, 100, 400)
        self.expect_level(tone, hertz, 4084)
        for other in (2 * hertz, 3 * hertz, 5 * hertz, hertz / 2):
            self.expect_nothing(tone, other, most=6)
        self.assertEqual(set(self.part(frames, 780, 800)), {(0, 0)})

    def test_a_card_that_is_not_there(self) -> None:
        for program in (SB16_16, SB_8, AC97):
            source = stereo_kernel(self.path, program, 20000, 440, 1000)
            done = subprocess.run(self.command(source, "--debug-exit"), capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 3)

    def test_virtual_time_repeats_to_the_bit(self) -> None:
        first = self.record(SPEAKER)
        for engine in ("interpreter", "jit"):
            self.assertEqual(self.record(SPEAKER, "--engine", engine), first, engine)

    def test_sound_changes_nothing_for_the_guest(self) -> None:
        for name, source in (("speaker", SPEAKER), ("adlib", ADLIB), ("sb16", stereo_kernel(self.path, SB16_16, 22000, 440, 1000))):
            command = self.command(source, "--sound", "sb16", "--debug-exit", "--print-hash", "--hash-every", "50ms")
            for engine in ("interpreter", "jit"):
                hashes = {subprocess.run([*command, "--engine", engine, *more], capture_output=True, text=True, timeout=110, check=True).stdout
                          for more in ([], ["--audio", f"wav:{self.wav}"], ["--audio", "none"])}
                self.assertEqual(len(hashes), 1, f"{name} {engine}: {hashes}")
                self.assertGreater(hashes.pop().count("\n"), 10)

    def test_killed_process_leaves_a_whole_file(self) -> None:
        forever = SPEAKER.replace("wait_ms 500", "again: jmp again")
        for ending in (signal.SIGKILL, signal.SIGINT):
            process = subprocess.Popen(self.command(forever, "--clock", "real", "--audio", f"wav:{self.wav}"), stdin=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            self.addCleanup(process.kill)
            deadline = time.monotonic() + 60
            while not self.wav.exists() or self.wav.stat().st_size < 44 + RATE * 4:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
            process.send_signal(ending)
            process.wait(timeout=60)
            frames = read_wav(self.wav)
            self.assertGreater(len(frames), RATE // 2)
            self.expect_level(frames[-RATE // 4:], 1193182 / 1193, 2 * 8192 / math.pi)
            self.wav.unlink()

    def test_refusals(self) -> None:
        for audio, status, words in (("wav:/nowhere/x.wav", 66, "/nowhere/x.wav"), ("wav:/dev/null", 64, "regular file"), ("tape", 64, "wav:FILE")):
            done = subprocess.run(self.command(SPEAKER, "--audio", audio), capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, status)
            self.assertIn(words, done.stderr)

    def test_no_sound_device_is_no_failure(self) -> None:
        for driver in ({"SDL_AUDIODRIVER": "pulseaudio", "PULSE_SERVER": "/nowhere"},
                       {"SDL_AUDIODRIVER": "alsa", "ALSA_CONFIG_PATH": "/nowhere"}):
            done = subprocess.run(self.command(SPEAKER, "--audio", "sdl"), capture_output=True, text=True, timeout=110, check=False,
                                  env={"PATH": "/usr/bin", **driver})
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stderr, r"^bantam: there is no sound device \(.*\): the machine is silent\n$")

    def test_sound_device(self) -> None:
        """SDL's disk driver writes what a device would play, in portions of 10.7 ms, here every 11."""
        played = self.path / "played"
        display = x_display.Display(self.path)
        self.addCleanup(display.close)
        for headless in (True, False):
            command = self.command(SPEAKER.replace(WAIT, REAL_WAIT), "--clock", "real")
            if headless:
                command += ["--audio", "sdl"]
            else:
                command.remove("--headless")
            done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False, stdin=subprocess.DEVNULL,
                                  env={**display.environment, "SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": str(played), "SDL_DISKAUDIODELAY": "11"})
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stderr, r"^(CRITICAL: .*disk i/o.*\n|CRITICAL:  Writing to file.*\n)*$")
            frames = list(struct.iter_unpack("<hh", played.read_bytes()[:played.stat().st_size // 4 * 4]))
            loud = [n for n, frame in enumerate(frames) if abs(frame[0]) > 1000]
            self.assertTrue(loud, "nothing was played")
            self.assertTrue(0.4 < (loud[-1] - loud[0]) / RATE < 2, "half a second; longer when a busy host misses refresh toggles")
            middle = (loud[0] + loud[-1]) // 2
            tone = frames[middle - RATE // 20:middle + RATE // 20]
            self.expect_level(tone, max(range(985, 1016), key=lambda hertz: amplitude(tone, hertz)), 2 * 8192 / math.pi, within_db=1)
            played.unlink()


if __name__ == "__main__":
    BANTAM = sys.argv.pop(1)
    unittest.main()
