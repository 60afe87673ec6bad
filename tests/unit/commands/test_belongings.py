"""Before models go, it is said what becomes of their routes, keys, ledger lines and images."""

from pathlib import Path

import pytest

from slipway.commands.changing.belongings import of_destroyed, of_environment
from slipway.commands.changing.down import _announce as announce_down
from slipway.commands.changing.session import Options
from slipway.commands.changing.up import _announce as announce_up
from slipway.commands.context import EnvironmentContext
from slipway.environments.running.aws import AwsRunning
from slipway.reading.folders import Folders
from tests.support.project import made

ROUTES = "their routes go with them, and what the ledger has of them stays"
SCOPES = "keys keep these names in their scopes and would open a new model of the same name"
IMAGES = "their images stay in the registry"
RENAMED = "a renamed model is a new one: keys that have its old name in their scopes do not open it"


@pytest.fixture
def gateway(tmp_path: Path) -> EnvironmentContext:
    return EnvironmentContext("own", made(tmp_path / "one", "gateway/spec", "gateway/settings"))


@pytest.fixture
def plain(tmp_path: Path) -> EnvironmentContext:
    folders: Folders = made(tmp_path / "two")
    name = sorted(path.name for path in folders.settings.glob("Pulumi.local*.yaml"))[0].split(".")[1]
    return EnvironmentContext(name, folders)


def options(prune: bool) -> Options:
    return Options(yes=False, jobs=1, prune=prune)


def test_routes_go_scopes_stay_lines_stay_and_images_stay(gateway: EnvironmentContext) -> None:
    routes, scopes, images = of_destroyed(gateway)
    assert (routes, images) == (ROUTES, IMAGES)
    assert scopes == f"{SCOPES}; `slipway keys list own` shows whose"


def test_without_a_gateway_there_are_images_only(plain: EnvironmentContext) -> None:
    assert of_destroyed(plain) == of_environment(plain) == (IMAGES,)


def test_on_aws_the_repository_goes_with_the_model(plain: EnvironmentContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(plain.running), "keeps_images", AwsRunning.keeps_images)
    assert of_destroyed(plain) == ("their images go with their repositories, and can be built again",)


def test_down_says_it_below_the_models_and_nothing_where_there_are_none(
    gateway: EnvironmentContext, capsys: pytest.CaptureFixture[str]
) -> None:
    announce_down(["digits"], {}, options(prune=False), of_destroyed(gateway))
    assert capsys.readouterr().err.splitlines()[:2] == ["1 models will be destroyed: digits", f"  {ROUTES}"]
    announce_down([], {}, options(prune=False), of_destroyed(gateway))
    assert capsys.readouterr().err.splitlines() == ["0 models will be destroyed: none"]


@pytest.mark.parametrize("prune", [False, True])
def test_up_says_it_of_a_spec_that_was_removed_or_renamed(
    prune: bool, gateway: EnvironmentContext, capsys: pytest.CaptureFixture[str]
) -> None:
    models = gateway.plan.models
    announce_up(gateway, models, models, {}, ["old"], options(prune))
    said = capsys.readouterr().err
    assert RENAMED in said
    assert (ROUTES in said, SCOPES in said, IMAGES in said) == (prune, prune, prune)
    announce_up(gateway, models, (), {}, ["old"], options(prune))
    assert RENAMED not in capsys.readouterr().err
    announce_up(gateway, models, models, {}, (), options(prune))
    said = capsys.readouterr().err
    assert RENAMED not in said and IMAGES not in said
