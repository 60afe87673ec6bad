"""Generate the JSON Schemas and the reference pages of what a person writes, from the models themselves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.artifact import SERVER_BYTES, WEIGHTS_FACTOR
from infra.document import DEPTH_LIMIT, SIZE_LIMIT
from infra.golden import REQUEST_LIMIT
from infra.quantities import format_bytes
from infra.settings import Settings
from infra.settings_file import CONFIG_KEY, PULUMI_KEYS
from infra.sources import TEMPLATES
from infra.spec import OVERRIDABLE, ModelSpec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def generate() -> dict[Path, str]:
    """The text of each generated file by its path in the repository."""
    spec, settings = spec_schema(), settings_schema()
    docs = Path("docs")
    return {
        docs / "schema" / "spec.json": _text(spec),
        docs / "schema" / "settings.json": _text(settings),
        docs / "spec.md": _page("spec.md", spec),
        docs / "settings.md": _page("settings.md", _environment_of(settings)),
    }


def spec_schema() -> Schema:
    """JSON Schema of models/*.yaml; an override has the same fields, none of them needed."""
    schema = {"$schema": _DIALECT, "title": "Slipway model spec"} | ModelSpec.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    partial = {f"{name}Override": _partial(section) for name, section in definitions.items()}
    properties = {key: _retarget(schema["properties"][key]) for key in OVERRIDABLE}
    override = {"type": "object", "additionalProperties": False, "properties": properties}
    schema["$defs"] = definitions | partial | {"Override": override}
    by_name = schema["properties"]["environments"]["patternProperties"]
    by_name |= {pattern: {"$ref": "#/$defs/Override"} for pattern in by_name}
    schema["properties"]["environments"]["additionalProperties"] = False
    return schema


def settings_schema() -> Schema:
    """JSON Schema of stacks/Pulumi.<environment>.yaml, of which Slipway's settings are a part."""
    settings = Settings.model_json_schema(mode="validation")
    definitions = settings.pop("$defs") | {"Settings": settings}
    config = {
        "type": "object",
        "properties": {CONFIG_KEY: {"$ref": "#/$defs/Settings"}},
        "patternProperties": {"^(?!slipway:)": True},
        "additionalProperties": False,
        "required": [CONFIG_KEY],
    }
    return {
        "$schema": _DIALECT,
        "title": "Slipway environment settings",
        "type": "object",
        "properties": {"config": config} | {key: {"type": "string"} for key in PULUMI_KEYS},
        "additionalProperties": False,
        "required": ["config"],
        "$defs": definitions,
    }


def _partial(section: Schema) -> Schema:
    """A section of an override: what it leaves out comes from the spec."""
    section = {key: value for key, value in section.items() if key != "required"}
    return section | {"properties": {key: _retarget(value) for key, value in section["properties"].items()}}


def _retarget(value: Any) -> Any:
    """A property whose references lead to the sections of an override, and which has no default of its own."""
    if isinstance(value, dict):
        return {key: _retarget(item) for key, item in value.items() if key != "default"} | (
            {"$ref": f"{value['$ref']}Override"} if "$ref" in value else {}
        )
    return [_retarget(item) for item in value] if isinstance(value, list) else value


def _environment_of(schema: Schema) -> Schema:
    settings: Schema = schema["$defs"]["Settings"]
    return settings | {"$defs": schema["$defs"]}


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2) + "\n"


def _page(name: str, schema: Schema) -> str:
    """A reference page: the hand-written text around a table of all fields."""
    text = (TEMPLATES / "docs" / name).read_text()
    facts = {
        "fields": "\n".join(_table(schema)),
        "memory_base": format_bytes(SERVER_BYTES),
        "memory_factor": f"{WEIGHTS_FACTOR:g}",
        "size_limit": format_bytes(SIZE_LIMIT),
        "depth_limit": str(DEPTH_LIMIT),
        "request_limit": format_bytes(REQUEST_LIMIT),
    }
    for key, value in facts.items():
        text = text.replace(f"<<{key}>>", value)
    return text


def _table(schema: Schema) -> Iterator[str]:
    yield "| field | needed | type | meaning | example |"
    yield "| --- | --- | --- | --- | --- |"
    yield from _rows(schema, schema["$defs"], "")


def _rows(section: Schema, definitions: Schema, path: str) -> Iterator[str]:
    for key, value in section["properties"].items():
        nested, suffix = _nested(value, definitions)
        field = f"{path}{key}"
        needed = "yes" if key in section.get("required", ()) else f"no{_default(value)}"
        kind = "list of sections" if suffix else "section" if nested else _kind(value)
        example = f"`{_flow(value['examples'][0])}`" if "examples" in value else ""
        meaning = value.get("description") or (nested or {})["description"]
        cells = (f"`{field}`", needed, kind, meaning, example)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        if nested:
            yield from _rows(nested, definitions, f"{field}{suffix}.")


def _nested(value: Schema, definitions: Schema) -> tuple[Schema | None, str]:
    """The section that a property holds, if it does, and `[]` if it holds a list of them."""
    for option in (value, *value.get("anyOf", ())):
        if "$ref" in option:
            return definitions[option["$ref"].rsplit("/", 1)[-1]], ""
        if option.get("type") == "array" and "$ref" in option["items"]:
            return definitions[option["items"]["$ref"].rsplit("/", 1)[-1]], "[]"
    return None, ""


def _default(value: Schema) -> str:
    default = value.get("default")
    scalar = isinstance(default, str | int | float) and default != ""
    return f", `{default}`" if scalar else ""


def _kind(value: Schema) -> str:
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{word}`" for word in value["enum"])
    if "anyOf" in value:
        return " or ".join(_kind(option) for option in value["anyOf"] if option.get("type") != "null")
    kinds = {"string": "text", "integer": "whole number", "number": "number", "array": "list", "object": "mapping"}
    bounds = f" {value['minimum']}-{value['maximum']}" if "minimum" in value else ""
    return kinds[value["type"]] + bounds


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value)
