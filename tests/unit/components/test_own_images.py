"""The image of a server of its own is built from exactly what was planned, or copied as it is, and made once."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.components.image.planned import image_args
from slipway.errors.images import FileChanged
from slipway.plan.image import ImagePlan
from slipway.plan.model import ModelPlan
from slipway.promotion.same_image import image_differences
from slipway.sbom.image import sbom_of
from slipway.signing.seal import annotations
from tests.support.fake_docker import DIGEST, FakeDocker, served
from tests.support.fake_registry import digest_of, registry
from tests.support.planned import own_plan

BUILT = own_plan("gated").find("built", Path())
COPIED = own_plan("gated").find("copied", Path())


@pytest.fixture(autouse=True)
def no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDocker]:
    fake = FakeDocker()
    with served(fake) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        yield fake


def made(model: ModelPlan) -> str:
    return image_args(model, lambda _: None).ensure(lambda _: None)


def with_own(model: ModelPlan, **changes: object) -> ModelPlan:
    own = model.image.own
    assert own is not None
    return replace(model, image=replace(model.image, below=replace(own, **changes)))  # type: ignore[arg-type]


def test_the_tar_of_a_build_has_what_was_planned_and_no_more(engine: FakeDocker) -> None:
    assert made(BUILT) == DIGEST
    ((asked, body),) = engine.builds
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        modes = {one.name: one.mode for one in tar.getmembers()}
        dockerfile = tar.extractfile("Dockerfile")
        assert dockerfile is not None
        text = dockerfile.read().decode()
    assert modes == {
        "Dockerfile": 0o444,
        ".slipway/model/linear.onnx": 0o444,
        "notes/kept.txt": 0o444,
        "run.sh": 0o555,
        "server.py": 0o444,
    }
    assert text.endswith('ENTRYPOINT ["python3", "/srv/server.py", "--port", "9000"]\nCMD []\n')
    assert asked["buildargs"] == '{"EXTRAS": "fast"}'
    assert asked["networkmode"] == "none"
    assert asked["t"] == BUILT.image.reference


def test_only_a_build_that_asks_for_it_gets_the_network(engine: FakeDocker) -> None:
    made(with_own(BUILT, network=True))
    assert "networkmode" not in engine.builds[0][0]


def test_a_change_of_nothing_builds_nothing(engine: FakeDocker) -> None:
    engine.images.add(BUILT.image.reference)
    assert image_args(BUILT, lambda _: None).digest() == DIGEST
    assert made(BUILT) == DIGEST
    assert engine.builds == []


def test_a_file_that_changed_after_the_plan_ends_the_run(engine: FakeDocker, tmp_path: Path) -> None:
    own = BUILT.image.own
    assert own is not None
    (tmp_path / "server.py").write_text("others'")
    files = {**own.context, "server.py": replace(own.context["server.py"], path=tmp_path / "server.py")}
    with pytest.raises(FileChanged, match=r"server\.py"):
        made(with_own(BUILT, context=files))
    assert engine.builds == []


def test_an_image_of_others_is_copied_into_the_environments_registry_byte_for_byte() -> None:
    with registry() as theirs, registry() as ours:
        manifest = theirs.image("vision/reader")
        source = f"{theirs.host}/vision/reader:1.2@{digest_of(manifest)}"
        image = replace(COPIED.image, repository=f"{ours.host}/slipway/copied")
        model = with_own(replace(COPIED, image=image), source=source)
        assert made(model) == digest_of(manifest)
        assert image_args(model, lambda _: None).digest() == digest_of(manifest)


@pytest.mark.parametrize(
    "changes",
    [
        {"args": {"EXTRAS": "slow"}},
        {"network": True},
        {"dockerfile": "FROM scratch\n"},
        {"context": {}},
        {"architecture": "arm64"},
    ],
)
def test_whatever_goes_into_an_image_is_a_part_of_what_its_signature_says(changes: dict[str, object]) -> None:
    other = with_own(BUILT, **changes)
    assert annotations(other) != annotations(BUILT)
    assert [one.path for one in image_differences(BUILT, other)] == [("custom",)]


def test_the_same_image_in_another_registry_is_the_same() -> None:
    elsewhere = replace(BUILT, image=replace(BUILT.image, repository="prod.example.com/built"))
    assert annotations(elsewhere) == annotations(BUILT)
    assert list(image_differences(BUILT, elsewhere)) == []
    assert [one.what for one in image_differences(COPIED, BUILT)] == ["image", "weights"]


def test_its_bill_of_materials_names_the_files_that_it_is_built_from_or_the_image_that_is_copied() -> None:
    built, copied = sbom_of(BUILT).decode(), sbom_of(COPIED).decode()
    assert all(f'"name": "{name}"' in built for name in ("server.py", "run.sh", "built"))
    assert "registry.example.com/vision/reader:1.2" in copied


def test_an_image_of_a_server_of_its_own_stands_on_no_runtime_image() -> None:
    image: ImagePlan = COPIED.image
    with pytest.raises(LookupError, match="stands on no runtime image"):
        image.runtime  # noqa: B018 - it raises
