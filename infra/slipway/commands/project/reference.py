"""Generate the JSON Schemas and the reference pages of what a person writes, from the models themselves."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from slipway_server.memory.budget import BODY_FACTOR, WEIGHTS_FACTOR

from slipway.artifacts.golden_request import CHECK_LIMIT, REQUEST_LIMIT
from slipway.artifacts.memory import BODY_LEAST, BODY_MOST_BY_DEFAULT, SERVER_BYTES
from slipway.capacity.estimates import (
    GPU_NODE_S,
    NODE_S,
    PULL_BYTES_PER_S,
    READ_BYTES_PER_S,
)
from slipway.catalog.aws import HOURS_PER_MONTH, INSTANCE_TYPES, REGIONS, accelerator_of, mig_profiles
from slipway.commands.project.command_reference import command_page
from slipway.installation import templates
from slipway.loading.settings import CONFIG_KEY, PULUMI_KEYS
from slipway.policy.rules import RULES
from slipway.reading.yaml_document import DEPTH_LIMIT, SIZE_LIMIT
from slipway.render.objects import MODEL_OBJECTS, Phase
from slipway.render.rollout.objects import ROLLOUT_OBJECTS
from slipway.runtimes.onnxruntime import OnnxRuntime
from slipway.runtimes.registry import RUNTIMES
from slipway.settings.kinds import KINDS
from slipway.spec.model import OVERRIDABLE, ModelSpec
from slipway.values.quantities import format_bytes

_REGIONS_SHOWN = 4
"""Of the catalogue's regions, those whose prices are in the table; `slipway catalog show REGION` prints any."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def generate(commands: click.Group) -> dict[Path, str]:
    """The text of each generated file by its path in the repository; `commands`: of `slipway`."""
    spec = spec_schema()
    docs = Path("docs/reference")
    return {
        docs / "schema" / "spec.json": _text(spec),
        docs / "schema" / "settings.json": _text(settings_schema()),
        docs / "spec.md": _page("spec.md", {"fields": spec}),
        docs / "cli.md": command_page(commands),
        docs / "policy.md": _page("policy.md", {}),
        docs / "objects.md": _page("objects.md", {}),
        docs / "runtimes.md": _page("runtimes.md", {}),
        docs / "settings.md": _settings_page(),
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
    definitions: Schema = {}
    models = list(KINDS.values())
    for model in models:
        settings = _of(model)
        definitions |= settings.pop("$defs", {}) | {model.__name__: settings}
    config = {
        "type": "object",
        "properties": {CONFIG_KEY: {"oneOf": [{"$ref": f"#/$defs/{model.__name__}"} for model in models]}},
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


def _of(model: type[BaseModel]) -> Schema:
    return model.model_json_schema(mode="validation")


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2) + "\n"


def _page(name: str, tables: Mapping[str, Schema]) -> str:
    """A reference page: the hand-written text around tables of all fields."""
    text = (templates() / "docs" / name).read_text()
    return _filled(text, {key: "\n".join(_table(schema)) for key, schema in tables.items()} | _facts())


def _settings_page() -> str:
    """The page of settings: what holds for every kind, then of each kind its text and a table of its fields."""
    folder = templates() / "docs"
    sections = []
    for name, model in KINDS.items():
        text = (folder / "settings" / f"{name}.md").read_text()
        fields = {"fields": "\n".join(_table(_of(model)))}
        sections.append(f"## Kind `{name}`\n\n" + _filled(text, fields | _facts()).rstrip("\n"))
    kinds = " or ".join(f"[`{name}`](#kind-{name})" for name in KINDS)
    page = (folder / "settings.md").read_text()
    return _filled(page, {"kinds": kinds, "sections": "\n\n".join(sections)})


def _facts() -> dict[str, str]:
    """What Slipway knows and pages tell, by what stands for it in their templates."""
    return {
        "catalog": "\n".join(_catalog()),
        "rules": "\n".join(_rules()),
        "runtimes": "\n".join(_runtimes()),
        "objects": "\n".join(_objects()),
        "rollout_objects": "\n".join(_rollout_objects()),
        "memory_base": format_bytes(SERVER_BYTES),
        "memory_factor": str(WEIGHTS_FACTOR),
        "body_factor": str(BODY_FACTOR),
        "body_least": format_bytes(BODY_LEAST),
        "body_most": format_bytes(BODY_MOST_BY_DEFAULT),
        "size_limit": format_bytes(SIZE_LIMIT),
        "depth_limit": str(DEPTH_LIMIT),
        "request_limit": format_bytes(REQUEST_LIMIT),
        "check_limit": format_bytes(CHECK_LIMIT),
        "hours": str(HOURS_PER_MONTH),
        "node_s": str(NODE_S),
        "gpu_node_s": str(GPU_NODE_S),
        "runtime_image": format_bytes(OnnxRuntime.image_bytes),
        "gpu_runtime_image": format_bytes(OnnxRuntime.gpu_image_bytes),
        "pull_rate": format_bytes(PULL_BYTES_PER_S),
        "server_start_s": str(OnnxRuntime.server_start_s),
        "gpu_start_s": str(OnnxRuntime.gpu_start_s),
        "read_rate": format_bytes(READ_BYTES_PER_S),
    }


def _filled(text: str, facts: Mapping[str, str]) -> str:
    for key, value in facts.items():
        text = text.replace(f"<<{key}>>", value)
    return text


def _table(schema: Schema) -> Iterator[str]:
    yield "| field | needed | type | meaning | example |"
    yield "| --- | --- | --- | --- | --- |"
    yield from _rows(schema, schema.get("$defs", {}), "")


def _catalog() -> Iterator[str]:
    """The instance types, as the settings of an environment on AWS name them."""
    regions = tuple(REGIONS)[:_REGIONS_SHOWN]
    yield f"| type | vCPU | memory | accelerator | MIG | network | pods | disks, GB | {' | '.join(regions)} | regions |"
    yield "|" + " --- |" * (9 + len(regions))
    for known in INSTANCE_TYPES.values():
        card = known.gpu or known.neuron
        accelerator = f"{card.count} {card.model}, {format_bytes(card.memory)} each" if card else accelerator_of(known)
        cut = ", ".join(mig_profiles(card)) if card else ""
        prices = [f"{known.hourly_usd[region]}" if region in known.hourly_usd else "-" for region in regions]
        cells = (known.name, str(known.vcpu), format_bytes(known.memory), accelerator, cut, f"{known.network_gbps:g}")
        room = (str(known.max_pods), str(known.storage_gb or "-"))
        yield "| " + " | ".join((*cells, *room, *prices, str(len(known.hourly_usd)))) + " |"


def _rules() -> Iterator[str]:
    """The rules of the policy."""
    yield "| rule | about | checked | | why |"
    yield "| --- | --- | --- | --- | --- |"
    for rule in RULES:
        where = {"plan": "offline", "engine": "policy pack"}
        checked = " and ".join(where[subject] for subject in rule.seen_by)
        level = "mandatory" if rule.mandatory else "advisory"
        yield f"| `{rule.id}` | the {rule.about} | {checked} | {level} | {rule.reason} |"


def _runtimes() -> Iterator[str]:
    """The runtimes that a spec may name."""
    yield "| runtime | weights | signature | computes on | image without weights, compressed | starts in | memory |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, runtime in RUNTIMES.items():
        own = runtime.image is not None
        size, start = (format_bytes(runtime.image_bytes), f"{runtime.server_start_s:g} s") if own else ("its own", "")
        weights = ", ".join(runtime.formats) or ("none" if own else "any file, or none")
        signature = "the lock" if runtime.signature_in_lock else "the file" if runtime.formats else ""
        memory = format_bytes(runtime.needed_memory(0)) if own else ""
        cells = (f"`{name}`", weights, signature, ", ".join(runtime.accelerators), size, start, memory)
        yield "| " + " | ".join(cells) + " |"


def _objects() -> Iterator[str]:
    """The objects of a model."""
    applied = {Phase.BEFORE_PODS: "before the pods", Phase.PODS: "the pods", Phase.AFTER_PODS: "after the pods"}
    yield "| kind | API | what for | which models | applied | restored |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in MODEL_OBJECTS:
        restored = "optional" if row.required is None else "required"
        cells = (f"`{row.kind}`", f"`{row.api_version}`", row.about, row.condition, applied[row.phase], restored)
        yield "| " + " | ".join(cells) + " |"


def _rollout_objects() -> Iterator[str]:
    """What a rollout adds to them."""
    yield "| kind | name | what for |"
    yield "| --- | --- | --- |"
    for row in ROLLOUT_OBJECTS:
        yield f"| `{row.kind}` | `<model>{row.suffix}` | {row.about} |"


def _rows(section: Schema, definitions: Schema, path: str) -> Iterator[str]:
    for key, value in section["properties"].items():
        nested, suffix = _nested(value, definitions)
        field = f"{path}{key}"
        needed = "yes" if key in section.get("required", ()) else f"no{_default(value)}"
        kind = _SECTIONS[suffix] if nested else _kind(value)
        example = f"`{_flow(value['examples'][0])}`" if "examples" in value else ""
        meaning = value.get("description") or (nested or {})["description"]
        if "since" in value:
            meaning = f"{meaning} Since {value['since']}."
        cells = (f"`{field}`", needed, kind, meaning, example)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        if nested:
            yield from _rows(nested, definitions, f"{field}{suffix}.")
        for option in _options(value, definitions):
            yield from _rows(option, definitions, f"{field}[].")


def _options(value: Schema, definitions: Schema) -> Iterator[Schema]:
    """The sections that a list holds where each entry is one of several kinds, or a text in place of a section."""
    for form in (value, *value.get("anyOf", ())):
        items = form.get("items", {}) if form.get("type") == "array" else {}
        for option in (*items.get("oneOf", ()), *items.get("anyOf", ())):
            if "$ref" in option:
                yield definitions[option["$ref"].rsplit("/", 1)[-1]]


_SECTIONS = {"": "section", "[]": "list of sections", ".NAME": "sections by name"}


def _nested(value: Schema, definitions: Schema) -> tuple[Schema | None, str]:
    """The section that a property holds, if it does, and what stands behind its name in paths if it holds several."""
    for option in (value, *value.get("anyOf", ())):
        if "$ref" in option:
            return definitions[option["$ref"].rsplit("/", 1)[-1]], ""
        if option.get("type") == "array" and "$ref" in option["items"]:
            return definitions[option["items"]["$ref"].rsplit("/", 1)[-1]], "[]"
        if isinstance(named := option.get("additionalProperties"), dict) and "$ref" in named:
            return definitions[named["$ref"].rsplit("/", 1)[-1]], ".NAME"
    return None, ""


def _default(value: Schema) -> str:
    default = value.get("default")
    scalar = isinstance(default, str | int | float) and default != ""
    return f", `{_flow(default)}`" if scalar else ""


def _kind(value: Schema) -> str:
    if "const" in value:
        return f"`{_flow(value['const'])}`"
    if "enum" in value:
        return " or ".join(f"`{word}`" for word in value["enum"])
    if "anyOf" in value:
        return " or ".join(_kind(option) for option in value["anyOf"] if option.get("type") != "null")
    kinds = {"string": "text", "integer": "whole number", "number": "number", "array": "list", "object": "mapping"}
    kinds |= {"boolean": "true or false"}
    between = "-" if value.get("minimum", 0) >= 0 else " to "
    bounds = f" {value['minimum']}{between}{value['maximum']}" if "minimum" in value else ""
    return kinds[value["type"]] + bounds


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
