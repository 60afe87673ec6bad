"""Where Slipway's own files are found, and that a missing one is said and never left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway import installation
from slipway.errors.failures import InstallationIncomplete
from slipway.plan.code_digests import code_digests, digests
from tests.support.planned import ROOT

REMEMBERED = (
    installation.checkout,
    installation.package,
    installation.package_files,
    code_digests,
    digests,
)
CARRIED = (
    "slipway/resources/server/requirements-cuda-grpc-text.txt",
    "slipway/resources/server/requirements-cuda-grpc.txt",
    "slipway/resources/server/requirements-cuda-text.txt",
    "slipway/resources/server/requirements-cuda.txt",
    "slipway/resources/server/requirements-grpc-text.txt",
    "slipway/resources/server/requirements-grpc.txt",
    "slipway/resources/server/requirements-litert-grpc-text.txt",
    "slipway/resources/server/requirements-litert-grpc.txt",
    "slipway/resources/server/requirements-litert-text.txt",
    "slipway/resources/server/requirements-litert.txt",
    "slipway/resources/server/requirements-llama.txt",
    "slipway/resources/server/requirements-pipeline-grpc.txt",
    "slipway/resources/server/requirements-pipeline.txt",
    "slipway/resources/server/requirements-sklearn-grpc-text.txt",
    "slipway/resources/server/requirements-sklearn-grpc.txt",
    "slipway/resources/server/requirements-sklearn-text.txt",
    "slipway/resources/server/requirements-sklearn.txt",
    "slipway/resources/server/requirements-text.txt",
    "slipway/resources/server/requirements.txt",
    "slipway/resources/upstream/requirements-mlserver.txt",
    "slipway/resources/upstream/requirements-triton.txt",
    "slipway/resources/weights/requirements.txt",
    "slipway_server/__main__.py",
    "slipway_server/http/app.py",
    "slipway_upstream/__main__.py",
    "slipway_weights/__main__.py",
)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    for function in REMEMBERED:
        function.cache_clear()
    yield
    for function in REMEMBERED:
        function.cache_clear()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages as a wheel makes it, with little in it."""
    for name in CARRIED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    told = tmp_path / "slipway_ml-1.0.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.4\nName: slipway-ml\nVersion: 1.0.0\n")
    files = (
        "slipway_server/__main__.py",
        "slipway_server/http/app.py",
        "slipway_server/__pycache__/__main__.cpython-311.pyc",
        "slipway_upstream/__main__.py",
        "slipway_weights/__main__.py",
    )
    (told / "RECORD").write_text("".join(f"{name},,\n" for name in files))
    monkeypatch.setattr(installation, "_package", lambda name: tmp_path / name)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_an_editable_install_reads_the_repository() -> None:
    assert installation.checkout() == ROOT
    assert installation.resource("server/requirements.txt") == ROOT / "server/requirements.txt"
    assert installation.package("slipway_server") == ROOT / "server/src/slipway_server"


def test_a_wheel_reads_what_it_carries(wheel: Path) -> None:
    assert installation.checkout() is None
    assert installation.resource("server/requirements.txt") == wheel / "slipway/resources/server/requirements.txt"
    assert sorted(code_digests()["onnxruntime"].server) == ["__main__.py", "http/app.py"]


@pytest.mark.parametrize("name", CARRIED)
def test_a_missing_file_ends_a_plan_and_is_named(wheel: Path, name: str) -> None:
    (wheel / name).unlink()
    with pytest.raises(InstallationIncomplete, match=f"{name} is missing.*next: install slipway-ml again"):
        code_digests()


def test_a_missing_folder_of_templates_is_named(wheel: Path) -> None:
    with pytest.raises(InstallationIncomplete, match="slipway/resources/templates is missing"):
        installation.templates()
