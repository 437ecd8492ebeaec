#!/usr/bin/env python3
"""look_at_picture.py FILE.png WIDTH HEIGHT: whether the picture has that size, and something on it."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "frontend"))
import png_rows  # noqa: E402

rows = png_rows.read(pathlib.Path(sys.argv[1]).read_bytes())
size = [len(rows[0]) // 3, len(rows)]
if size != [int(word) for word in sys.argv[2:]]:
    sys.exit(f"the picture is {size[0]}x{size[1]}")
lit = sum(len(row) - row.count(0) for row in rows)
if lit <= sum(map(len, rows)) // 100:
    sys.exit(f"the picture is empty but for {lit} bytes")
