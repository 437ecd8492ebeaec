"""Tables of the suite's measurements, and their place in docs/PERFORMANCE.md."""
import datetime
import math
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/PERFORMANCE.md"
BEGIN, END = "<!-- bench/run --write begins -->", "<!-- bench/run --write ends -->"

# What Bantam may take at most, as a multiple of native (i386, amd64 guests).
TARGETS = {"int": (1.35, 1.6), "fp": (1.25, 1.25), "mem": (1.8, 2.2), "system": (3.5, 3.5), "smc": (6, 6)}
BOOT_TARGET, SECTOR_TARGET_MS, MEMORY_TARGET_MIB = 3, 25, 64


def geomean(values: list[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def head(*cells: str) -> list[str]:
    return [row(*cells), "|---|" + "---:|" * (len(cells) - 1)]


def medians(measured: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    """benchmark -> machine -> median, for benchmarks that every machine has."""
    machines = {name for runs in measured.values() for name in runs}
    return {benchmark: {name: statistics.median(times) for name, times in runs.items()}
            for benchmark, runs in measured.items() if all(runs.get(name) for name in machines)}


def ratio_cells(times: dict[str, float], emulators: list[str]) -> list[str]:
    cells = [f"{times[name] / times['native']:.2f}" for name in emulators]
    if "qemu" in emulators:
        cells += [f"{times['qemu'] / times[name]:.2f}" for name in emulators if name != "qemu"]
    return cells


def ratio_heads(emulators: list[str]) -> list[str]:
    heads = [f"{name}, x native" for name in emulators]
    if "qemu" in emulators:
        heads += [f"qemu / {name}" for name in emulators if name != "qemu"]
    return heads


def group_table(results: dict, emulators: list[str]) -> list[str]:
    lines = head("guest, group", "at most", *ratio_heads(emulators))
    for architecture, measured in results["suite"].items():
        groups: dict[str, list[dict[str, float]]] = {}
        for benchmark, times in medians(measured).items():
            groups.setdefault(benchmark.split("/")[0], []).append(times)
        for group, members in groups.items():
            times = {name: geomean([each[name] / each["native"] for each in members]) for name in emulators} | {"native": 1.0}
            target = TARGETS.get(group, (0, 0))[0 if architecture == "i386" else 1]
            lines.append(row(f"{architecture}, {group}", f"{target:g}", *ratio_cells(times, emulators)))
    return lines


def benchmark_table(measured: dict[str, dict[str, list[float]]], emulators: list[str]) -> list[str]:
    lines = head("benchmark", "native, ms", *ratio_heads(emulators))
    for benchmark, times in medians(measured).items():
        lines.append(row(benchmark, f"{times['native'] * 1000:.1f}", *ratio_cells(times, emulators)))
    return lines


def startup_table(results: dict, emulators: list[str]) -> list[str]:
    others = [name for name in emulators if name != "qemu"]
    heads = [f"qemu / {name}" for name in others] if "qemu" in emulators else []
    lines = head("start", "wanted", *heads, *emulators)
    for what, runs in results["startup"].items():
        times = {name: statistics.median(runs[name]) for name in emulators}
        cells = [f"{times['qemu'] / times[name]:.2f}" for name in others] if heads else []
        sector = what == "boot sector's first byte"
        shown = [f"{times[name] * 1000:.0f} ms" if sector else f"{times[name]:.2f} s" for name in emulators]
        wanted = f"<= {SECTOR_TARGET_MS} ms" if sector else f">= {BOOT_TARGET}"
        lines.append(row(what, wanted, *cells, *shown))
    for architecture, peaks in results["peak_mib"].items():
        shown = [f"{peaks[name]:.0f} MiB" if name in peaks else "" for name in emulators]
        lines.append(row(f"{architecture}: peak memory over RAM", f"<= {MEMORY_TARGET_MIB} MiB", *["" for _ in heads], *shown))
    return lines


def commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def text(results: dict, command: str, emulators: list[str]) -> str:
    about = f"`{command}`, {datetime.date.today()}, commit {commit()}; medians of {results['runs']} rounds"
    if "qemu" in emulators:
        version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
        about += "; " + version.splitlines()[0]
    lines = [about, ""]
    if results["suite"]:
        lines += ["Geomeans by group; *at most* is what Bantam aims at, as a multiple of native:", "", *group_table(results, emulators), ""]
    if results["startup"] or results["peak_mib"]:
        lines += [*startup_table(results, emulators), ""]
    for architecture, measured in results["suite"].items():
        lines += [f"Each benchmark, {architecture}:", "", *benchmark_table(measured, emulators), ""]
    return "\n".join(lines)


def write(report: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{report}\n{END}{after}", encoding="utf-8")
