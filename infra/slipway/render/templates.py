"""Place values in the templates, which do nothing else: a template is read once for each structure that it can have."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from slipway.installation import templates

Manifest = dict[str, Any]

PLACE = "\ue000"
"""Private-use character that no template has of its own: what follows it is the name of a value."""


class _Place(str):
    """Stands for a value while a template is read: the value's name."""

    __slots__ = ()


def _placed(value: object) -> str:
    """What the templates' filter `tojson` makes of a value: it is quoted, so that no text can become structure."""
    if not isinstance(value, _Place):
        raise TypeError(f"templates place whole values only, not {value!r}")
    return json.dumps(PLACE + value)


@lru_cache(maxsize=1)
def template_files() -> Environment:
    """The templates, as Jinja2 reads them."""
    environment = Environment(  # noqa: S701 - YAML and Dockerfiles, no HTML
        loader=FileSystemLoader(templates()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["tojson"] = _placed
    return environment


@lru_cache(maxsize=256)
def skeleton(template: str, given: frozenset[str], absent: frozenset[str]) -> Any:
    """A template as a manifest with a sign and a name wherever a value goes.

    Reading YAML back costs a hundred times as much as placing values, and only which values are None changes the
    structure; so each structure is read once, not once for each model.
    """
    places = {name: _Place(name) for name in given} | dict.fromkeys(absent)
    return yaml.load(template_files().get_template(template).render(places), Loader=yaml.CSafeLoader)


def _filled(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, values) for item in node]
    if isinstance(node, str) and node.startswith(PLACE):
        return _copied(values[node[len(PLACE) :]])
    return node


def _copied(value: Any) -> Any:
    """A copy of JSON values: two objects never share a part, neither when changed nor as an anchor in YAML."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def rendered(folder: str, templates: Sequence[str], values: Mapping[str, Any]) -> list[Manifest]:
    """The manifests of some templates of a folder, with the values in place; a value of None leaves its part out."""
    absent = frozenset(name for name, value in values.items() if value is None)
    given = frozenset(values) - absent
    return [_filled(skeleton(f"{folder}/{name}.yaml.j2", given, absent), values) for name in templates]
