"""The scenarios of boots/ as data, for the scripts that run them, time them or run the same under other emulators.

A guest is a scenario file (docs/SCENARIOS.md), boots/NAME.toml, or boots/slow/NAME.toml if it takes too long for ./check. Its variables
say what a script does before `bantam test` reads it:

    fetch     words for ./fetch: what the guest consists of; it lies in the folder `guests`
    firmware  what starts it, for docs/STATUS.md
    prepare   a command for /bin/sh that leaves what the guest needs in the folder `work`, which is empty and the current one
    tests     this folder
"""
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
SECONDS_OF = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
WALL_LIMIT = "10m"  # of `bantam test`
# mke2fs, e2fsck and debugfs
TOOLS = os.environ | {"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}


def seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", duration).groups()
    return int(number) * SECONDS_OF[unit]


def expand(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$(?:\$|\{(\w+)\})", lambda found: variables[found.group(1)] if found.group(1) else "$", text)


def expanded(value: object, variables: dict[str, str]) -> object:
    if isinstance(value, list):
        return [expanded(item, variables) for item in value]
    return expand(value, variables) if isinstance(value, str) else value


@dataclasses.dataclass
class Boot:
    file: pathlib.Path
    about: str = ""
    variables: dict[str, str] = dataclasses.field(default_factory=dict)  # of all files
    machine: dict = dataclasses.field(default_factory=dict)
    steps: list[dict] = dataclasses.field(default_factory=list)  # those of included files too

    @property
    def name(self) -> str:
        return self.file.stem

    def made_ready(self, work: pathlib.Path) -> dict[str, str]:
        return made_ready(self.variables["fetch"], self.variables.get("prepare", ""), work)

    @property
    def slow(self) -> bool:
        return self.file.parent.name == "slow"

    @property
    def refused(self) -> bool:
        return any("expect-refusal" in step for step in self.steps)

    @property
    def wall_seconds(self) -> int:
        return int(seconds(self.machine.get("wall-limit", WALL_LIMIT)))


def read(file: pathlib.Path, given: dict[str, str]) -> Boot:
    """`given`: variables that take precedence. Names no errors: `bantam test` does."""
    boot = Boot(file)
    own = read_part(boot, file, given)
    boot.about = own["about"]
    return boot


def read_part(boot: Boot, file: pathlib.Path, given: dict[str, str]) -> dict:
    with open(file, "rb") as opened:
        data = tomllib.load(opened)
    variables = data.get("variables", {}) | given
    boot.variables = variables | boot.variables
    for key, value in data.get("machine", {}).items():
        boot.machine[key] = expanded(value, variables)
    for step in data.get("step", []):
        if "include" in step:
            read_part(boot, file.parent / expand(step["include"], variables), variables)
        else:
            boot.steps.append({"limit": data.get("limit", "60s")} | {key: expanded(value, variables) for key, value in step.items()})
    return data


def load(given: dict[str, str] | None = None) -> dict[str, Boot]:
    boots = [read(file, given or {}) for folder in ("boots", "boots/slow") for file in sorted((HERE / folder).glob("*.toml"))]
    return {boot.name: boot for boot in boots}


def made_ready(fetch: str, prepare: str, work: pathlib.Path) -> dict[str, str]:
    """What the variables of that name say is done. The variables that a scenario gets."""
    fetched = subprocess.run([HERE / "fetch", *fetch.split()], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        sys.exit(f"cannot fetch {fetch}")
    given = {"guests": fetched.stdout.strip(), "work": str(work), "tests": str(HERE)}
    done = subprocess.run(["/bin/sh", "-c", expand(prepare, given)], cwd=work, env=TOOLS, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(f"prepare ended with status {done.returncode}: {prepare}")
    return given


def environment(given: dict[str, str]) -> dict[str, str]:
    """Of `bantam test`."""
    return TOOLS | {f"BANTAM_VAR_{name}": value for name, value in given.items()}
