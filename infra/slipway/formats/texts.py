"""Recognise the formats that are text, or begin with a header of it: XGBoost, LightGBM, safetensors."""

import json
import mmap
import re
from pathlib import Path

from slipway.reading.files import BadFile

HEAD = 4096
"""Bytes that tell a format apart."""
_HEADER_LIMIT = 100_000_000
"""The longest header that safetensors itself accepts (`MAX_HEADER_SIZE` of its sources)."""
_JSON = re.compile(rb'\s*\{\s*"([^"]{1,40})"')
_UBJSON = re.compile(rb"\{[iUIlL].{1,8}(learner|version)", re.DOTALL)
_LIGHTGBM = re.compile(rb"tree\r?\nversion=v[0-9]")


def text_format(path: Path, head: bytes) -> str | None:
    """The format of a file whose first bytes are `head`; None if it is none of these.

    Raises:
        BadFile: it is another file of one of these libraries, or a safetensors file that is cut off.
    """
    if _is_safetensors(path, head):
        return "safetensors"
    if _LIGHTGBM.match(head):
        return "lightgbm"
    if _UBJSON.match(head) and _contains(path, b"gradient_booster"):
        return "xgboost"
    if _JSON.match(head):
        return _json(path)
    return None


def _json(path: Path) -> str | None:
    if _contains(path, b'"gradient_booster"') and _contains(path, b'"learner"'):
        return "xgboost"
    if _contains(path, b'"tree_info"'):
        todo = "save it by booster.save_model(...), not dump_model(...)"
        raise BadFile("is a dump of LightGBM, from which no model can be loaded", "a LightGBM model as text", todo)
    if _contains(path, b'"class_name"') and _contains(path, b'"config"'):
        todo = "save the whole model: model.save(...), not model.to_json()"
        raise BadFile("is the architecture of a Keras model without weights", "a model with its weights", todo)
    return None


def _contains(path: Path, word: bytes) -> bool:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(word) >= 0


def _is_safetensors(path: Path, head: bytes) -> bool:
    """Eight bytes with the header's length, then the header: tensors by name, each with its place in what follows."""
    length = int.from_bytes(head[:8], "little")
    if not 2 <= length <= _HEADER_LIMIT or head[8:9] != b"{" or path.stat().st_size < 8 + length:
        return False
    with path.open("rb") as stream:
        stream.seek(8)
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError):
            return False
    tensors = [value for name, value in header.items() if name != "__metadata__"]
    if not tensors or not all(
        isinstance(one, dict) and {"dtype", "shape", "data_offsets"} <= set(one) for one in tensors
    ):
        return False
    end = 8 + length + max(int(one["data_offsets"][1]) for one in tensors)
    if end != (size := path.stat().st_size):
        todo = "fetch or export it again"
        raise BadFile(f"is safetensors of {size} bytes, and its header tells of {end}", "a whole file", todo)
    return True
