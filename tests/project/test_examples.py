"""What lies beside digits and speech as an example is planned like them: by its spec and its lock, without weights."""

import onnx
import pytest
from click.testing import CliRunner

from slipway.cli import cli
from tests.support.planned import ROOT

SPECS = sorted(path.stem for path in (ROOT / "examples").glob("*.yaml") if not path.name.endswith(".lock.yaml"))
LARGEST_BYTES = 300_000


def test_there_are_examples() -> None:
    assert "recommender" in SPECS


def test_every_example_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(cli, ["plan", "local", "--models", "examples"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    planned = [line.split()[0] for line in result.output.splitlines() if line.strip()]
    assert set(SPECS) <= set(planned)


@pytest.mark.parametrize("name", SPECS)
def test_an_example_is_small_and_described(name: str) -> None:
    model = ROOT / "examples" / name / "model.onnx"
    assert model.stat().st_size < LARGEST_BYTES
    assert onnx.load(model).opset_import[0].version <= 17
    assert f"examples/{name}" in (ROOT / "examples/README.md").read_text()
