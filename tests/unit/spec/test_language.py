"""What a spec says of a language model is taken whole, or refused with what to write instead."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway import installation
from slipway.artifacts.golden_request import GoldenRequest
from slipway.errors.base import Place, UserError, UserErrors
from slipway.loading.specs import load_spec_file
from slipway.planner.server_config import server_config
from slipway.reading.findings import dotted, validated
from slipway.spec.model import ModelSpec
from tests.support.pools import CPU

GGUF = b"GGUF" + (3).to_bytes(4, "little") + bytes(100)
SPEC: dict[str, Any] = {
    "apiVersion": "slipway/v1",
    "name": "notes",
    "version": "1.0.0",
    "owner": "language",
    "runtime": "llama",
    "artifact": {"source": "notes.gguf"},
    "llama": {"context": 64, "slots": 2, "adapters": [{"name": "formal", "source": "formal.gguf"}]},
    "resources": {"cpu": "100m", "memory": "256Mi"},
    "check": {"request": "check.json", "expect": {"/choices/0/message/content": "yes"}},
}


def refused(**changes: Any) -> list[UserError]:
    found: list[UserError] = []
    validated(ModelSpec, SPEC | changes, lambda path: (Place("spec.yaml"), dotted(path)), found)
    return found


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"runtime": "onnxruntime"}, "runtime"),
        ({"optimize": [{"quantize": "int8-dynamic"}]}, "optimize"),
        ({"batching": {"max_rows": 4}}, "batching"),
        ({"endpoint": {"grpc": True}}, "endpoint.grpc"),
        ({"artifact": {"source": "notes.gguf", "format": "onnx"}}, "artifact.format"),
        ({"scale": {"min": 1, "max": 2, "target": {"requests_per_second": 5}}}, "scale.target.requests_per_second"),
        ({"scale": {"target": {"queue": 1}, "to_zero": {"after": "15m"}}}, "scale.to_zero"),
        ({"endpoint": {"public": True}, "rollout": {"strategy": "canary"}}, "rollout.strategy"),
        ({"llama": {"adapters": [{"name": "a", "source": "a.gguf"}] * 2}}, "llama.adapters[1].name"),
        ({"llama": {"adapters": [{"name": "a", "source": "a.bin"}]}}, "llama.adapters[0].source"),
        ({"llama": {"context": 8}}, "llama.context"),
        ({"llama": {"slots": 0}}, "llama.slots"),
        (
            {"artifact": {"source": "https://example.com/notes.gguf", "sha256": "ab" * 32, "format": "gguf"}},
            "llama.adapters",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_its_place(change: dict[str, Any], field: str) -> None:
    found = refused(**change)
    assert [error.field for error in found] == [field]
    assert found[0].todo


def test_what_waits_is_a_target() -> None:
    assert refused(scale={"min": 1, "max": 2, "target": {"queue": 1}}) == []


def project(folder: Path, **files: bytes) -> Path:
    (folder / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    written = {
        "notes.gguf": GGUF,
        "formal.gguf": GGUF + b"1",
        "check.json": b'{"messages": [{"role": "user", "content": "?"}]}',
    }
    for name, data in (written | {name.replace("_", "."): data for name, data in files.items()}).items():
        (folder / name).write_bytes(data)
    (folder / "models").mkdir()
    path = folder / "models" / "notes.yaml"
    path.write_text(yaml.safe_dump(SPEC))
    return path


def test_adapters_are_part_of_what_is_served(tmp_path: Path) -> None:
    loaded = load_spec_file(project(tmp_path), tmp_path)
    assert [file.name for file in loaded.base.artifact.files] == ["notes.gguf", "adapters/formal.gguf"]
    assert loaded.base.artifact.size == 2 * len(GGUF) + 1
    assert not loaded.base.spec.needs_lock
    check = GoldenRequest("llama", loaded.base.request, {}, 2.0)
    config = server_config(loaded.base, check, "slipway", CPU, gated=False)
    assert config["language"] == {
        "context": 64,
        "slots": 2,
        "adapters": [{"name": "formal", "path": "/model/adapters/formal.gguf"}],
    }


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"notes_gguf": b"ONNX" + bytes(100)}, "is no GGUF file"),
        ({"formal_gguf": b"GGUF" + (9).to_bytes(4, "little")}, "has version 9 of GGUF"),
        ({"check_json": b'{"messages": [], "stream": true}'}, "`messages` is []"),
        ({"check_json": b'{"messages": [{"role": "user", "content": "?"}], "tools": []}'}, "`tools` is not read"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, files: dict[str, bytes], why: str) -> None:
    with pytest.raises(UserErrors) as refusal:
        load_spec_file(project(tmp_path, **files), tmp_path)
    assert why in str(refusal.value)


def test_the_small_model_is_there_with_its_golden_request() -> None:
    folder = Path(__file__).parents[3]
    loaded = load_spec_file(folder / "models" / "capitals.yaml", folder)
    assert loaded.base.artifact.size < 2**20
    assert installation.resource("server/requirements-llama.txt").is_file()
