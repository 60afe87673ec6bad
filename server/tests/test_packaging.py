"""What the image build installs is what the lock says."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import slipway_server
from uv import find_uv_bin

SERVER = Path(__file__).parents[1]
EXPORT = ["export", "--frozen", "--no-dev", "--no-emit-project", "--format", "requirements-txt", "--no-header"]


BACKENDS = ("cuda", "litert", "sklearn", "tensorflow", "torch")
"""Those whose files of requirements name them; the others have the backend onnx."""
BESIDE = {"": (), "-grpc": ("grpc",), "-grpc-text": ("grpc", "text"), "-text": ("text",)}
FILES = {
    **{f"requirements{ending}.txt": ("onnx", *extras) for ending, extras in BESIDE.items()},
    "requirements-llama.txt": ("llama",),
    "requirements-pipeline.txt": ("onnx", "pipeline"),
    "requirements-pipeline-grpc.txt": ("onnx", "pipeline", "grpc"),
    **{
        f"requirements-{backend}{ending}.txt": (backend, *extras)
        for backend in BACKENDS
        for ending, extras in BESIDE.items()
    },
}


TRACES = "requirements-traces.txt"
"""A layer of its own, where requests are traced: of the lock's group alone, without what all servers have."""
ASKED = {
    **{name: tuple(one for extra in extras for one in ("--extra", extra)) for name, extras in FILES.items()},
    TRACES: ("--only-group", "traces"),
}


def project() -> dict[str, object]:
    return tomllib.loads((SERVER / "pyproject.toml").read_text())["project"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("name", "of"), ASKED.items())
def test_requirements_are_what_the_lock_exports(name: str, of: tuple[str, ...]) -> None:
    asked = [*EXPORT, *of]
    exported = subprocess.run(
        [find_uv_bin(), *asked], cwd=SERVER, capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert (SERVER / name).read_text() == exported, (
        f"server/{name} is stale; run in server/: uv {' '.join(asked)} -o {name}"
    )


def test_every_file_of_requirements_is_one_of_these() -> None:
    assert {path.name for path in SERVER.glob("requirements*.txt")} == set(ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_every_requirement_is_pinned_with_hashes_and_names_no_host(name: str) -> None:
    text = (SERVER / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"^[a-z0-9._-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), line
        assert "://" not in line


def test_every_dependency_of_the_project_is_in_the_lock() -> None:
    locked = {line.split("==")[0] for line in (SERVER / "requirements.txt").read_text().splitlines() if "==" in line}
    wanted = {re.split(r"[\[<>=~!]", str(name))[0] for name in project()["dependencies"]}  # type: ignore[attr-defined]
    assert wanted <= locked


def test_the_version_in_the_code_is_the_package_s() -> None:
    assert slipway_server.__version__ == project()["version"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_image_has_one_backend(backend: str) -> None:
    others = {
        "cuda": "onnxruntime-gpu",
        "litert": "ai-edge-litert",
        "onnx": "onnxruntime",
        "sklearn": "scikit-learn",
        "tensorflow": "tensorflow-cpu",
        "torch": "torch",
    }
    own = others.pop(backend)
    text = (SERVER / f"requirements-{backend}.txt").read_text()
    assert f"\n{own}==" in f"\n{text}"
    assert [name for name in others.values() if f"\n{name}==" in f"\n{text}"] == []
