"""The generated schemas and pages are fresh, and the schemas accept what the models accept."""

from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import pytest

from slipway.cli import cli
from slipway.commands.project.reference import generate, settings_schema, spec_schema
from slipway.lockfile.files import is_lock
from slipway.reading.yaml_document import read_document
from slipway.spec.batching import Batching
from slipway.spec.check import Check
from slipway.spec.endpoint import Endpoint
from slipway.values.quantities import parse_seconds
from tests.support.planned import FIXTURES, ROOT

SPECS = [
    path
    for folder in (FIXTURES / "spec/ok", FIXTURES / "aws/spec", ROOT / "models")
    for path in sorted(folder.glob("*.yaml"))
    if not is_lock(path)
]
SETTINGS = sorted((FIXTURES / "settings/ok").glob("*.yaml"))
SETTINGS += [ROOT / f"stacks/Pulumi.{name}.yaml" for name in ("local", "dev", "staging", "prod")]


@pytest.mark.parametrize("path", sorted(generate(cli)), ids=str)
def test_a_generated_file_is_fresh(path: Path) -> None:
    assert (ROOT / path).read_text() == generate(cli)[path], f"{path} is stale: run `slipway schema`"


def test_both_schemas_are_schemas() -> None:
    jsonschema.Draft202012Validator.check_schema(spec_schema())
    jsonschema.Draft202012Validator.check_schema(settings_schema())


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_schema_accepts_a_good_spec(path: Path) -> None:
    jsonschema.validate(read_document(path, path.name).value, spec_schema())


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.stem)
def test_the_schema_accepts_good_settings(path: Path) -> None:
    jsonschema.validate(read_document(path, path.name).value, settings_schema())


@pytest.mark.parametrize(
    "name",
    ["unknown-key.near", "name.too-long", "resources.memory.unit-missing", "environments.unknown-key", "check.missing"],
)
def test_the_schema_refuses_what_the_models_refuse(name: str) -> None:
    document = read_document(FIXTURES / "spec/error" / f"{name}.yaml", name)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document.value, spec_schema())


@pytest.mark.parametrize(
    ("section", "good"),
    [
        ("{enabled: false}", True),
        ("{enabled: true, max_rows: 2, max_wait: 1s}", True),
        ("{enabled: 1}", False),
        ("{max_rows: 2000}", False),
        ("{max_size: 8}", False),
    ],
)
def test_the_schema_knows_batching(section: str, good: bool, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text((FIXTURES / "spec/ok/least.yaml").read_text() + f"batching: {section}\n")
    problems = list(jsonschema.Draft202012Validator(spec_schema()).iter_errors(read_document(path, "spec").value))
    assert (not problems) is good


def test_the_defaults_of_the_schema_are_those_of_the_models() -> None:
    definitions = spec_schema()["$defs"]
    endpoint, check = definitions["Endpoint"]["properties"], definitions["Check"]["properties"]
    assert parse_seconds(endpoint["timeout"]["default"]) == Endpoint().timeout
    assert endpoint["max_body"]["default"] is Endpoint().max_body is None
    batching = definitions["Batching"]["properties"]
    assert parse_seconds(batching["max_wait"]["default"]) == Batching().max_wait
    assert parse_seconds(check["timeout"]["default"]) == Check.model_fields["timeout"].default


def test_the_page_of_commands_says_what_each_does_when_it_fails() -> None:
    page = generate(cli)[Path("docs/reference/cli.md")]
    _, _, table = page.partition("## When a command fails")
    for name in cli.commands:
        assert f"`{name}`" in table.partition("\n## ")[0], name


def commands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command, those of groups too, but for `local`, whose commands are imported when they are asked for."""
    for name, command in group.commands.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from commands(command)


def test_the_commands_of_a_group_have_a_section_each() -> None:
    page = generate(cli)[Path("docs/reference/cli.md")]
    assert "\n### slipway keys\n" in page
    assert "\n### slipway keys create\n\n    slipway keys create [OPTIONS] ENV\n" in page


def test_every_option_has_help() -> None:
    for name, command in commands(cli):
        assert command.help, name
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, (name, option.name)


def test_every_field_is_described() -> None:
    for schema in (spec_schema(), settings_schema()):
        for name, section in schema["$defs"].items():
            for key, value in section.get("properties", {}).items():
                described = value.get("description") or "$ref" in value
                assert described, f"{name}.{key}"
