"""Images of programs: made once for what they are made from, named by what is in them, sent only where missing."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.local.build import toolchain
from slipway.local.build.golang import Go
from slipway.local.cluster import images, program_images
from slipway.local.cluster.program_images import ProgramImage
from slipway.local.host import paths
from tests.support.applied import said

GO = Go(Path("/usr/bin/go"), "go1.26.8")


@pytest.fixture
def image(tmp_path: Path) -> ProgramImage:
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module x\n\ngo 1.26.4\n")
    programs = {f"/bin/{name}": toolchain.GoProgram(module, f"./{name}", "-s") for name in ("first", "second")}
    return ProgramImage("thing", "1.0", programs)


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the packages that were compiled; each program holds its package's name."""
    done: list[str] = []

    def compile_program(program: toolchain.GoProgram, _go: Go, out: Path, _report: object) -> None:
        done.append(program.package)
        out.write_text(program.package + program.ldflags)

    monkeypatch.setattr(paths, "CACHE_TOOLS", tmp_path / "tools")
    monkeypatch.setattr(toolchain, "compile_program", compile_program)
    return done


def test_an_image_is_made_once_and_keeps_only_itself(image: ProgramImage, compiled: list[str]) -> None:
    kept = program_images.bring(image, GO, said)
    assert program_images.bring(image, GO, said) == kept
    assert compiled == ["./first", "./second"]
    assert sorted(file.name for file in kept.folder.iterdir()) == ["config", "layer", "manifest"]


def test_the_same_module_in_another_clone_makes_nothing_new(
    image: ProgramImage, compiled: list[str], tmp_path: Path
) -> None:
    program_images.bring(image, GO, said)
    shutil.copytree(tmp_path / "module", tmp_path / "other" / "module")
    moved = {path: replace(each, module=tmp_path / "other" / "module") for path, each in image.programs.items()}
    program_images.bring(replace(image, programs=moved), GO, said)
    assert compiled == ["./first", "./second"]


def test_the_first_program_is_the_entrypoint_and_no_root_runs_it(image: ProgramImage, compiled: list[str]) -> None:
    config = images.load(program_images.bring(image, GO, said).folder).config
    assert b'"Entrypoint":["/bin/first"]' in config
    assert b'"User":"65532:65532"' in config
    assert len(compiled) == 2


@pytest.mark.usefixtures("compiled")
def test_other_content_has_another_reference(image: ProgramImage, tmp_path: Path) -> None:
    first = program_images.bring(image, GO, said)
    other = toolchain.GoProgram(tmp_path / "module", "./first", "-s -w")
    second = program_images.bring(ProgramImage("thing", "1.0", {"/bin/first": other}), GO, said)
    assert first.reference == f"127.0.0.1:5000/slipway/thing@{first.digest}"
    assert second.reference != first.reference


@pytest.mark.usefixtures("compiled")
def test_an_image_is_sent_only_where_the_registry_has_another(
    image: ProgramImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = program_images.bring(image, GO, said)
    registry: dict[str, str] = {}

    def push(sent: images.Image, _registry: str, repository: str, tag: str) -> None:
        registry[f"{repository}:{tag}"] = sent.digest

    monkeypatch.setattr(images, "push", push)
    monkeypatch.setattr(images, "tagged", lambda _, repository, tag: registry.get(f"{repository}:{tag}"))
    assert kept.push()
    assert registry == {"slipway/thing:1.0": kept.digest}
    assert not kept.push()
    registry["slipway/thing:1.0"] = "sha256:other"
    assert kept.push()
