"""What is handed to kustomize, and what its failure says."""

from pathlib import Path

import pytest

from slipway.local.build import kustomize, toolchain
from slipway.local.build.golang import Go
from slipway.local.host import paths
from slipway.local.host.errors import LocalError
from tests.support.applied import said

GO = Go(Path("/usr/bin/go"), "go1.26.8")


@pytest.fixture
def kustomize_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that gives the kustomization it was asked to render, with the folder that its resource leads to."""

    def compile_program(_program: object, _go: Go, out: Path, _report: object) -> None:
        out.write_text('#!/bin/sh\nset -e\ncd "$1"\nprintf "[%s]" "$(cat kustomization.yaml)"\n')
        out.chmod(0o755)

    monkeypatch.setattr(paths, "CACHE_TOOLS", tmp_path / "tools")
    monkeypatch.setattr(toolchain, "compile_program", compile_program)


@pytest.mark.usefixtures("kustomize_does")
def test_the_overlay_stands_on_the_base_by_a_relative_path(tmp_path: Path) -> None:
    # kustomize refuses an absolute one.
    (rendered,) = kustomize.render(GO, tmp_path / "base", {"namespace": "things"}, said)
    (base,) = rendered.pop("resources")
    assert rendered == {"namespace": "things"}
    assert not base.startswith("/")
    assert base.endswith("/base")


def test_what_does_not_render_is_told_in_kustomizes_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_program(_program: object, _go: Go, out: Path, _report: object) -> None:
        out.write_text("#!/bin/sh\necho no such folder >&2\nexit 1\n")
        out.chmod(0o755)

    monkeypatch.setattr(paths, "CACHE_TOOLS", tmp_path / "tools")
    monkeypatch.setattr(toolchain, "compile_program", compile_program)
    with pytest.raises(LocalError, match=r"rendering .*base: .*exit code 1: no such folder"):
        kustomize.render(GO, tmp_path / "base", {}, said)
