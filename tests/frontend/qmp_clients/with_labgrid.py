"""Controls a machine through Debian's labgrid (python3-labgrid), as its QEMUDriver does: by its QMPMonitor on the standard input and
output of the process that the arguments start. Prints "done" at the end."""
import subprocess
import sys

from labgrid.util.qmp import QMPMonitor


def refused(monitor: QMPMonitor, command: str) -> str:
    try:
        monitor.execute(command)
    except Exception as error:  # labgrid 0.4 means QMPError, whose constructor refuses what it is given: TypeError
        return str(error)
    raise AssertionError(f"{command} was not refused")


process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
try:
    monitor = QMPMonitor(process.stdout, process.stdin)  # greeting, qmp_capabilities
    assert monitor.execute("query-status") == {"running": False, "singlestep": False, "status": "prelaunch"}
    assert monitor.execute("cont") == {}  # the event RESUME, which it skips
    assert monitor.execute("query-status")["running"]
    assert monitor.execute("stop") == {}
    assert monitor.execute("query-status")["status"] == "paused"
    assert monitor.execute("system_reset") == {}
    assert monitor.execute("query-version")["qemu"]["major"] == 7
    assert "CommandNotFound" in refused(monitor, "no-such-command")
    assert "GenericError" in refused(monitor, "send-key")
    assert monitor.execute("quit") == {}
    assert process.wait(timeout=20) == 0
finally:
    process.kill()
print("done")
