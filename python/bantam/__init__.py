"""Runs and controls Bantam machines, and runs scenarios."""
from .machine import Machine, MachineEnded
from .qmp import Event, QmpClient, QmpError
from .scenario import ScenarioError, ScenarioResult, run_scenarios

__all__ = ["Event", "Machine", "MachineEnded", "QmpClient", "QmpError", "ScenarioError", "ScenarioResult", "run_scenarios"]
