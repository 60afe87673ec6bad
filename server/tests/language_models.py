"""Make what tests of language models need: servers of the small model, and adapters of it."""

import contextlib
import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import processes

MODEL = processes.ROOT / "models" / "capitals" / "model.gguf"
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "What is the capital of France?"}], "temperature": 0}
ANSWER = "The capital of France is Paris."
CHAT = "/v1/chat/completions"
_WIDTH, _RANK = 96, 4
# What the library is linked with, and a machine with Python alone lacks.
LIBRARIES = {"LD_LIBRARY_PATH": str(Path(sysconfig.get_path("purelib")) / "cmeel.prefix" / "lib")}


def write_adapter(path: Path) -> Path:
    """Write a LoRA adapter of random numbers, so large that the model says something else."""
    random = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(_RANK))
    for name in ("attn_q", "attn_v", "attn_output"):
        for end, shape in (("a", (_RANK, _WIDTH)), ("b", (_WIDTH, _RANK))):
            values = random.normal(0, 1, shape).astype(np.float32)
            writer.add_tensor(f"blk.1.{name}.weight.lora_{end}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def language_config(language: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a configuration for the small model with its golden request."""
    check = {"request": ASKED, "expect": {"/choices/0/message/content": ANSWER}}
    config = processes.config_for(
        MODEL, check, timeout_s=20.0, max_body_bytes=2**20, language=language or {}, **changes
    )
    config["model"]["name"] = "capitals"
    config["language"] = {"context": 128, "slots": 2, **(language or {})}
    return config


@contextlib.contextmanager
def speaking(folder: Path, language: dict[str, Any] | None = None, **changes: Any) -> Iterator[processes.Server]:
    """Run a server of the small model until the end of the block."""
    wrapper = ["env", *(f"{name}={value}" for name, value in LIBRARIES.items())]
    with processes.running(language_config(language, **changes), folder, wrapper) as server:
        yield server


def events(body: bytes) -> list[Any]:
    """Return the documents of a stream that ended as it should."""
    parts = body.decode().split("\n\n")
    assert parts[-2:] == ["data: [DONE]", ""]
    return [json.loads(part.removeprefix("data: ")) for part in parts[:-2]]


def said(pieces: list[Any]) -> str:
    """Return the text of a stream."""
    choices = [choice for piece in pieces for choice in piece["choices"]]
    return "".join(choice.get("text") or choice.get("delta", {}).get("content") or "" for choice in choices)
