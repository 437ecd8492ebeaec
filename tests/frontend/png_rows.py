"""Rows of RGB bytes of anybody's PNG with 8 bits a sample and without interlacing (PNG specification, sections 9 and 11)."""
import struct
import zlib


def read(data: bytes) -> list[bytes]:
    at, packed = 8, b""
    width, _, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if depth != 8 or interlace != 0 or colour not in (2, 6):
        raise ValueError(f"depth {depth}, colour type {colour}, interlace {interlace}")
    samples = 3 if colour == 2 else 4
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    raw, step = zlib.decompress(packed), samples * width
    rows, above = [], bytes(step)
    for start in range(0, len(raw), 1 + step):
        above = unfilter(raw[start], bytearray(raw[start + 1:start + 1 + step]), above, samples)
        row = above
        if samples == 4:
            row = bytearray(3 * width)
            row[0::3], row[1::3], row[2::3] = above[0::4], above[1::4], above[2::4]
        rows.append(bytes(row))
    return rows


def unfilter(kind: int, row: bytearray, above: bytes, samples: int) -> bytes:
    if kind == 2:
        return bytes((a + b) & 0xFF for a, b in zip(row, above))
    for i in range(len(row) if kind != 0 else 0):
        left = row[i - samples] if i >= samples else 0
        corner = above[i - samples] if i >= samples else 0
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + above[i]) // 2
        else:
            guess = min((abs(above[i] - corner), 0, left), (abs(left - corner), 1, above[i]),
                        (abs(left + above[i] - 2 * corner), 2, corner))[2]
        row[i] = (row[i] + guess) & 0xFF
    return bytes(row)
