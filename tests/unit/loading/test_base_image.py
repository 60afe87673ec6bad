"""Where the digest of a base image comes from, and how it is written into settings without touching anything else."""

from pathlib import Path

import pytest

from slipway.commands.changing import base_image as command
from slipway.errors.base import UserError
from slipway.errors.images import RegistryFailed
from slipway.loading.base_image import VARIABLE, by_digest, digest_warning, written
from slipway.loading.specs import load_settings, load_spec_file
from slipway.plan.code_digests import code_digests
from slipway.planner.environment import plan
from slipway.reading.folders import Folders
from tests.support.planned import FIXTURES

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
LAYOUT = """\
# before
secretsprovider: awskms://alias/state  # of the team
config:
    slipway:environment:
        base_image:   {value}   # why this one: C:\\ "quoted" # twice
        kind: aws
"""


def settings(folder: Path, value: str, layout: str = LAYOUT) -> Path:
    path = folder / "Pulumi.prod.yaml"
    path.write_text(layout.replace("{value}", value), newline="")
    return path


@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize("old", ["", f"@{OLD}"])
def test_a_digest_is_written_and_every_other_byte_stays(tmp_path: Path, quote: str, old: str) -> None:
    path = settings(tmp_path, f"{quote}example.com:5000/base:1{old}{quote}")
    path.chmod(0o640)
    before = path.read_text()
    written(tmp_path, "prod").write(NEW)
    assert path.read_text() == before.replace(f"base:1{old}{quote}", f"base:1@{NEW}{quote}")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["Pulumi.prod.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "config: {slipway:environment: {kind: aws, base_image: example.com/base:1, tags: {}}}\n",
        "config:\n  slipway:environment:\n    base_image:\n      example.com/base:1\n    kind: aws\n",
        "config:\r\n  slipway:environment:\r\n    base_image: example.com/base:1\r\n    kind: aws\r\n",
        "\ufeffconfig:\n  slipway:environment:\n    owner: \U0001f600 ö\n    base_image: example.com/base:1\n",
    ],
)
def test_a_digest_is_written_in_every_layout_that_yaml_has(tmp_path: Path, text: str) -> None:
    path = settings(tmp_path, "", text)
    written(tmp_path, "prod").write(NEW)
    assert path.read_bytes().decode() == text.replace("base:1", f"base:1@{NEW}")


def test_a_link_to_the_settings_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = settings(tmp_path / "real", "example.com/base:1")
    (tmp_path / "Pulumi.prod.yaml").symlink_to(path)
    written(tmp_path, "prod").write(NEW)
    assert (tmp_path / "Pulumi.prod.yaml").is_symlink()
    assert NEW in path.read_text()


def test_settings_without_a_tag_or_without_the_field_are_refused_with_their_line(tmp_path: Path) -> None:
    settings(tmp_path, f"example.com:5000/base@{OLD}")
    with pytest.raises(UserError, match=r"prod\.yaml:5: config.*base_image: .* names no tag .*; allowed: .*; next: "):
        written(tmp_path, "prod")
    settings(tmp_path, "", "config:\n  slipway:environment:\n    kind: aws\n")
    with pytest.raises(UserError, match=r"prod\.yaml:2: config.*base_image: value missing; allowed: .*; next: add it"):
        written(tmp_path, "prod")
    with pytest.raises(UserError, match="did you mean prod"):
        written(tmp_path, "prodd")


class Registry:
    """Says one digest, and what it was asked for."""

    def __init__(self, digest: str | None) -> None:
        self.digest = digest
        self.asked: list[str] = []

    def __call__(self) -> "Registry":
        return self

    def pushed(self, reference: str) -> str | None:
        self.asked.append(reference)
        return self.digest


def renew(folder: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, *, check: bool = False) -> None:
    monkeypatch.setattr(command, "ImageBuilder", registry)
    command.renew_base_image("prod", Folders(folder, folder), check=check)


def test_the_tag_is_asked_for_and_its_digest_is_shown_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings(tmp_path, f"example.com:5000/base:1@{OLD}")
    registry = Registry(NEW)
    renew(tmp_path, registry, monkeypatch)
    said = capsys.readouterr().out
    assert registry.asked == ["example.com:5000/base:1"]
    assert OLD in said
    assert NEW in said
    assert f"base:1@{NEW}" in path.read_text()
    before = path.stat()
    renew(tmp_path, registry, monkeypatch)
    assert "is what the registry has" in capsys.readouterr().out
    assert path.stat() == before


def test_a_check_tells_what_is_new_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = settings(tmp_path, f"example.com/base:1@{OLD}")
    before = path.read_text()
    with pytest.raises(
        UserError, match=rf"prod\.yaml:5: .*is not what the registry has; allowed: {NEW}; next: run sli"
    ):
        renew(tmp_path, Registry(NEW), monkeypatch, check=True)
    assert path.read_text() == before
    renew(tmp_path, Registry(OLD), monkeypatch, check=True)


def test_an_image_that_the_registry_has_not_is_an_error_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings(tmp_path, "example.com/base:1")
    before = path.read_text()
    with pytest.raises(RegistryFailed, match=r"example\.com/base:1: there is no such image; next: "):
        renew(tmp_path, Registry(None), monkeypatch)
    assert path.read_text() == before


def test_a_digest_from_the_environment_is_taken_for_its_own_tag_only() -> None:
    local = load_settings(FIXTURES / "settings/ok", "local")
    tag = local.base_image
    assert by_digest(local, {}) == local
    assert by_digest(local, {VARIABLE: f"example.com/other:1@{NEW}"}) == local
    pinned = by_digest(local, {VARIABLE: f"{tag}@{NEW}"})
    assert pinned.base_image == f"{tag}@{NEW}"
    assert by_digest(pinned, {VARIABLE: f"{tag}@{OLD}"}) == pinned
    with pytest.raises(UserError, match=f"environment variable: {VARIABLE}: .*is not an image with a digest; .*next: "):
        by_digest(local, {VARIABLE: f"{tag}@sha256:short"})


def test_a_rebuilt_base_image_is_a_new_release_and_new_images() -> None:
    local = load_settings(FIXTURES / "settings/ok", "local")
    loaded = [load_spec_file(FIXTURES / "spec/ok/least.yaml", FIXTURES / "repo")]

    def planned(digest: str) -> list[tuple[str, str, str]]:
        pinned = by_digest(local, {VARIABLE: f"{local.base_image}@{digest}"})
        models = plan("local", pinned, loaded, code_digests()).models
        return [(model.release, model.image.tag, model.image.runtime.tag) for model in models]

    assert planned(OLD) == planned(OLD)
    for before, after in zip(planned(OLD), planned(NEW), strict=True):
        assert all(one != other for one, other in zip(before, after, strict=True))


def test_a_tag_without_digest_is_warned_about_and_a_digest_is_not() -> None:
    local = load_settings(FIXTURES / "settings/ok", "local")
    assert "slipway base-image local" in (digest_warning("local", local) or "")
    assert digest_warning("local", by_digest(local, {VARIABLE: f"{local.base_image}@{NEW}"})) is None
