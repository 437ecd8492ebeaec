"""Scenarios: `bantam test`."""
from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import tempfile
import xml.etree.ElementTree
from typing import List, Mapping, Optional, Sequence, Union

from .program import find_program

Path = Union[str, "os.PathLike[str]"]


class ScenarioError(Exception):
    """Nothing ran: a scenario is wrong, or the command line is. The message names file and line."""


@dataclasses.dataclass(frozen=True)
class ScenarioResult:
    name: str
    passed: bool
    failure: str  # one line; empty if it passed
    report: str  # last steps and screen; empty if it passed
    seconds: float  # of the host
    artifacts: Optional[pathlib.Path]  # its folder, where one was asked for

    @property
    def trace(self) -> List[str]:
        """A line for each step with its guest time. Only with artefacts."""
        if self.artifacts is None:
            raise ValueError("no artefacts were asked for")
        return (self.artifacts / "trace.txt").read_text(encoding="utf-8").splitlines()


def run_scenarios(scenarios: Sequence[Path], *, jobs: int = 1, artifacts: Optional[Path] = None, engine: Optional[str] = None,
                  variables: Optional[Mapping[str, str]] = None, program: Optional[str] = None,
                  timeout: Optional[float] = None) -> List[ScenarioResult]:
    """Runs the scenario files, `jobs` machines at a time, and gives their results in the order of their names.

    `variables` take precedence over those of the files. `timeout`, in seconds, is for all of them together:
    subprocess.TimeoutExpired. ScenarioError: nothing ran.
    """
    with tempfile.TemporaryDirectory(prefix="bantam-") as folder:
        junit = pathlib.Path(folder) / "junit.xml"
        words = [find_program(program), "test", *map(os.fspath, scenarios), "--jobs", str(jobs), "--junit", str(junit)]
        if artifacts is not None:
            words += ["--artifacts", os.fspath(artifacts)]
        if engine is not None:
            words += ["--engine", engine]
        environment = {**os.environ, **{f"BANTAM_VAR_{name}": value for name, value in (variables or {}).items()}}
        done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=timeout, check=False)
        if done.returncode not in (0, 1) or not junit.exists():
            raise ScenarioError(done.stderr.strip() or f"exit status {done.returncode}")
        results = []
        for case in xml.etree.ElementTree.parse(junit).getroot().iter("testcase"):
            name, failure = case.attrib["name"], case.find("failure")
            results.append(ScenarioResult(
                name=name, passed=failure is None, failure="" if failure is None else failure.attrib["message"],
                report="" if failure is None else failure.text or "", seconds=float(case.attrib["time"]),
                artifacts=None if artifacts is None else pathlib.Path(artifacts) / name))
        return sorted(results, key=lambda result: result.name)
