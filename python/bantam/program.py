"""Where the program is."""
from __future__ import annotations

import os
import shutil
from typing import Optional


def find_program(program: Optional[str] = None) -> str:
    """The path of `bantam`: `program`, else the environment variable BANTAM, else from PATH. FileNotFoundError: nowhere."""
    found = shutil.which(program or os.environ.get("BANTAM") or "bantam")
    if found is None:
        raise FileNotFoundError(f"there is no program {program or os.environ.get('BANTAM') or 'bantam'}: set BANTAM to its path")
    return found
