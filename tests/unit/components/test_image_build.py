"""What a person's Docker configuration and proxies do to images: as they do to `docker` itself."""

import base64
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.components.image import build
from slipway.components.image.build import ImageBuilder
from slipway.components.image.build_context import planned_context
from slipway.errors.base import DeployError, UserError
from slipway.errors.images import OtherPlatform, RegistryFailed
from tests.support.fake_docker import DIGEST, FakeDocker, served

IMAGE = "registry.example.com/team/digits:1"
DEAD = "http://127.0.0.1:9"


class Machine:
    """A home folder and a PATH with nothing of Docker's on it."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "docker" / "config.json"
        self.config.parent.mkdir()
        self.bin = folder / "bin"
        self.bin.mkdir()

    def configure(self, value: Any) -> None:
        self.config.write_text(json.dumps(value))

    def helper(self, name: str, text: str) -> None:
        """Install a credential helper."""
        program = self.bin / f"docker-credential-{name}"
        program.write_text(f"#!{sys.executable}\n{text}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(made.config.parent))
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return made


@pytest.fixture
def engine(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDocker]:
    fake = FakeDocker()
    with served(fake) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        yield fake


def built(builder: ImageBuilder) -> str:
    context = lambda: planned_context((), lambda: "FROM scratch\n")  # noqa: E731
    return builder.ensure(IMAGE, context, lambda _: None, "linux/amd64")


def test_an_image_that_another_run_never_finishes_is_waited_for_no_longer_than_the_limit(
    engine: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_LOCK_LIMIT_S", 0.1)
    builder, answers = ImageBuilder(), []

    def context() -> Any:
        with pytest.raises(DeployError, match=f"for another run to make {IMAGE}; nothing was deployed") as caught:
            built(builder)
        answers.append(str(caught.value))
        return planned_context((), lambda: "FROM scratch\n")

    assert builder.ensure(IMAGE, context, lambda _: None, "linux/amd64") == DIGEST
    assert "/slipway/locks/registry.example.com_team_digits:1" in answers[0]


@pytest.mark.parametrize(
    "configuration",
    [
        {"credsStore": "desktop"},
        {"credHelpers": {"registry.example.com": "ecr-login"}},
        {"credsStore": "desktop", "credHelpers": {"registry.example.com": "ecr-login", "gcr.io": "gcloud"}},
        {"credsStore": "desktop", "auths": {"https://index.docker.io/v1/": {}}},
    ],
)
def test_a_credential_helper_that_is_not_there_is_done_without(
    machine: Machine, engine: FakeDocker, configuration: Any
) -> None:
    machine.configure(configuration)
    assert built(ImageBuilder()) == DIGEST
    assert set(engine.users) == {None}
    assert engine.build_users == [set()]
    assert json.loads(machine.config.read_text()) == configuration


def test_other_credentials_in_the_same_file_are_used_all_the_same(machine: Machine, engine: FakeDocker) -> None:
    written = base64.b64encode(b"anna:secret").decode()
    machine.configure({"credsStore": "desktop", "auths": {"registry.example.com": {"auth": written}}})
    engine.asks_for = "anna"
    assert built(ImageBuilder()) == DIGEST
    assert engine.build_users == [{"anna"}]


def test_a_helper_that_is_there_is_asked_beside_one_that_is_not(machine: Machine, engine: FakeDocker) -> None:
    machine.helper("here", """print('{"ServerURL": "", "Username": "otto", "Secret": "s"}')""")
    machine.configure({"credsStore": "desktop", "credHelpers": {"registry.example.com": "here"}})
    engine.asks_for = "otto"
    engine.images.add(IMAGE)
    assert ImageBuilder().pushed(IMAGE) == DIGEST


def test_a_registry_that_wants_credentials_is_one_message_that_names_the_file_and_the_helper(
    machine: Machine, engine: FakeDocker
) -> None:
    machine.configure({"credsStore": "desktop"})
    engine.asks_for = "anna"
    with pytest.raises(RegistryFailed) as refused:
        ImageBuilder().pushed(IMAGE)
    text = str(refused.value)
    assert f"since {machine.config} names docker-credential-desktop, which is not on PATH: install it, or" in text
    assert "next: " in text
    assert "\n" not in text


def test_nothing_is_said_of_helpers_that_are_there(machine: Machine, engine: FakeDocker) -> None:
    engine.asks_for = "anna"
    with pytest.raises(RegistryFailed) as refused:
        ImageBuilder().pushed(IMAGE)
    assert "PATH" not in str(refused.value)


def test_a_helper_that_fails_is_one_message(machine: Machine, engine: FakeDocker) -> None:
    machine.helper("broken", "import sys; sys.exit('pass not initialized')")
    machine.configure({"credsStore": "broken"})
    with pytest.raises(RegistryFailed, match=r"^registry of .*docker-credential-broken.*; next: ") as refused:
        built(ImageBuilder())
    assert "\n" not in str(refused.value)


def test_a_configuration_that_docker_cannot_read_is_refused_by_its_name(machine: Machine, engine: FakeDocker) -> None:
    machine.configure({"auths": {"registry.example.com": "text"}})
    with pytest.raises(UserError, match=r"config\.json: Invalid .*; allowed: .*; next: correct it"):
        ImageBuilder()


def test_an_engine_behind_a_socket_is_never_asked_by_way_of_a_proxy(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, DEAD)
    with served(FakeDocker(), tmp_path / "s") as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        assert built(ImageBuilder()) == DIGEST


def test_no_proxy_is_honoured_for_an_engine_at_an_address(
    machine: Machine, engine: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.0/8")
    assert built(ImageBuilder()) == DIGEST


IMMUTABLE = (
    "tag invalid: The image tag '1' already exists in the 'team/digits' repository and cannot be overwritten because "
    "the repository is immutable."
)
ARM = {"architecture": "arm64", "os": "linux", "variant": "v8"}


def _ensured() -> str:
    def context() -> Any:
        return planned_context((), lambda: "FROM scratch\n")

    return ImageBuilder().ensure(IMAGE, context, lambda _: None, "linux/amd64")


def test_an_image_that_somebody_else_pushed_meanwhile_is_taken(machine: Machine, engine: FakeDocker) -> None:
    engine.refuses = IMMUTABLE
    assert _ensured() == DIGEST
    assert len(engine.builds) == 1


def test_another_refusal_of_a_push_is_not_taken_for_success(machine: Machine, engine: FakeDocker) -> None:
    engine.refuses = "denied: Your authorization token has expired"
    with pytest.raises(RegistryFailed, match="authorization token has expired"):
        _ensured()


def test_an_image_for_other_machines_is_refused_after_the_push_and_when_it_is_found(
    machine: Machine, engine: FakeDocker
) -> None:
    engine.platforms = [ARM]
    for _ in range(2):
        with pytest.raises(OtherPlatform, match=r"is for linux/arm64, and the nodes are linux/amd64"):
            _ensured()
    assert len(engine.builds) == 1
    engine.platforms = [ARM, {"architecture": "amd64", "os": "linux"}]
    assert _ensured() == DIGEST
