"""Only the package `environments` asks of what kind an environment is; everybody else asks what it can do."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import slipway.settings
from slipway.environments.planning.protocol import Planning
from slipway.environments.running.protocol import Running
from slipway.loading.settings import SettingsFile
from slipway.settings.base import AnySettings
from slipway.settings.kinds import KINDS

SOURCES = Path(__file__).resolve().parents[2] / "infra" / "slipway"
MAY_ASK = ("environments/", "settings/", "rehearsal/")
"""Those that tell kinds apart, that define them, and the program that plays AWS and nothing else."""
CLASSES = {settings.__name__ for settings in KINDS.values()}


def questions(source: str) -> Iterator[str]:
    """Where a module asks after the class, or the field `kind`, of settings."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, classes]):
                asked = any(isinstance(part, ast.Name) and part.id in CLASSES for part in ast.walk(classes))
            case ast.MatchClass(cls=ast.Name(id=name)):
                asked = name in CLASSES
            case ast.Attribute(value=ast.Name(id="settings") | ast.Attribute(attr="settings"), attr="kind"):
                asked = True
            case (
                ast.Compare(left=ast.Constant(value=str(value)))
                | ast.Compare(comparators=[ast.Constant(value=str(value))])
            ):
                asked = value in KINDS
            case _:
                asked = False
        if asked:
            yield ast.unparse(node)


def test_nobody_else_asks_for_the_kind() -> None:
    modules = {path.relative_to(SOURCES).as_posix(): path for path in SOURCES.rglob("*.py")}
    others = [name for name in modules if not name.startswith((*MAY_ASK, "local/"))]
    assert len(others) > 100
    found = {name: list(questions(modules[name].read_text())) for name in others}
    assert {name: asked for name, asked in found.items() if asked} == {}


@pytest.mark.parametrize(
    "source",
    [
        "isinstance(settings, AwsSettings)",
        "isinstance(opened.settings, (Settings, int))",
        "settings.kind == 'aws'",
        "opened.settings.kind",
        "'aws' == kind",
        "match settings:\n    case AwsSettings():\n        pass",
    ],
)
def test_a_question_is_found(source: str) -> None:
    assert list(questions(source))


def test_every_kind_of_settings_is_listed_under_the_name_that_it_says_itself() -> None:
    for module in pkgutil.iter_modules(slipway.settings.__path__):
        importlib.import_module(f"slipway.settings.{module.name}")
    assert set(KINDS.values()) == set(AnySettings.__subclasses__())
    for name, settings in KINDS.items():
        assert get_args(settings.model_fields["kind"].annotation) == (name,)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_what_plans_it_and_what_runs_it(name: str) -> None:
    """The picking is by name, so that mypy does not see a missing one; what is returned it does see."""
    planning_of = importlib.import_module(f"slipway.environments.planning.{name}").planning_of
    running_of = importlib.import_module(f"slipway.environments.running.{name}").running_of
    assert get_type_hints(planning_of) == {"settings": KINDS[name], "return": Planning}
    assert get_type_hints(running_of) == {"file": SettingsFile, "settings": KINDS[name], "return": Running}
