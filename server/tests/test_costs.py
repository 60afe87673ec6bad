"""What reading a body or a picture costs in memory is never more than was reckoned before it was read.

Each is measured in a process of its own, since a process' highest point never goes down again.
"""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import processes
import pytest
from PIL import Image
from slipway_server.protocol.jsonbody import parse_cost

MIB = 2**20
# Prints by how many bytes the highest point rises; what is imported and run once before does not count.
_MEASURE = """
import json, sys
from pathlib import Path
from slipway_server.values.errors import BadRequest
from slipway_server.protocol.image import decode, memory_to_decode
from slipway_server.protocol.image_input import image_input
from slipway_server.protocol.jsonbody import loads
from slipway_server.protocol.request import parse_predict
from slipway_server.values.signature import Signature, Tensor

def highest():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

kind, data = sys.argv[1], Path(sys.argv[2]).read_bytes()
if kind == "json":
    signature = Signature((Tensor("x", "FP64", (None,)),), (), {})
    work, needed = lambda: parse_predict(loads(data), signature), 0
    parse_predict(loads(b"[1.5, 2]"), signature)
else:
    signature = Signature((Tensor("x", "FP32", (None, int(kind), 224, 224)),), (), {})
    wanted = image_input(signature)
    decode(Path(sys.argv[3]).read_bytes(), wanted, "x")
    work = lambda: decode(data, wanted, "x")
    needed = memory_to_decode(data, wanted, "x", 2**40)
before = highest()
try:
    work()
except BadRequest as error:
    print(error, file=sys.stderr)
print(highest() - before, needed)
"""


def measure(kind: str, data: bytes, folder: Path) -> tuple[int, int]:
    path = folder / "data"
    path.write_bytes(data)
    command = [sys.executable, "-c", _MEASURE, kind, str(path), str(processes.DIGITS / "seven.png")]
    rise, needed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    return int(rise), int(needed)


@pytest.mark.parametrize(
    "part",
    [
        b"[" * 500 + b"]" * 500 + b",",
        b"[1],",
        b'{"a":1},',
        b'{"a":{"b":":"}},',
        b"1,",
        b"1.5,",
        b'"ab",',
        b'"' + b"x" * 60 + rb"\ud83d\ude00" + b'",',
    ],
)
def test_no_kind_of_json_takes_more_memory_than_was_reckoned(part: bytes, tmp_path: Path) -> None:
    raw = b"[" + part * (2 * MIB // len(part)) + b"0]"
    rise, _ = measure("json", raw, tmp_path)
    assert rise <= parse_cost(raw)


def test_an_object_of_many_keys_takes_no_more_memory_than_was_reckoned(tmp_path: Path) -> None:
    raw = b"{" + b",".join(b'"%x":1' % n for n in range(300_000)) + b"}"
    rise, _ = measure("json", raw, tmp_path)
    assert 10 * MIB < rise <= parse_cost(raw)


def test_usual_bodies_are_reckoned_at_no_more_than_ten_times_their_size() -> None:
    """`slipway validate` demands memory for that."""
    rng = np.random.default_rng(0)
    numbers = ",".join(f"{number:.6f}" for number in rng.random(10_000))
    assert parse_cost(f"[{numbers}]".encode()) < 10 * len(numbers)


def picture(mode: str, file_format: str, **options: object) -> bytes:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (150, 150, 3), dtype=np.uint8).repeat(10, 0).repeat(10, 1)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("mode", "file_format", "options", "channels"),
    [
        ("RGBA", "PNG", {}, "3"),
        ("CMYK", "JPEG", {"progressive": True}, "1"),
        ("RGBA", "WEBP", {"lossless": True, "method": 0}, "3"),
        ("P", "GIF", {}, "3"),
        ("RGB", "BMP", {}, "3"),
        ("CMYK", "TIFF", {"compression": "tiff_lzw"}, "1"),
    ],
)
def test_no_picture_takes_more_memory_than_was_reckoned_from_its_head(
    mode: str, file_format: str, options: dict[str, object], channels: str, tmp_path: Path
) -> None:
    rise, needed = measure(channels, picture(mode, file_format, **options), tmp_path)
    assert rise <= needed
    assert needed < 30 * 1500 * 1500 + 50 * MIB


def test_a_photograph_that_comes_in_one_scan_costs_a_fraction_of_its_pixels(tmp_path: Path) -> None:
    _, whole = measure("3", picture("RGB", "JPEG", progressive=True), tmp_path)
    rise, needed = measure("3", picture("RGB", "JPEG"), tmp_path)
    assert rise <= needed < whole / 2
