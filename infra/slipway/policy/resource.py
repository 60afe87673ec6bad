"""Represent what rules check: a resource as the engine sees it, or a manifest, which becomes one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Unknown:
    """A value that a preview cannot know yet; what depends on it is judged when it is known."""


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource: the provider's type token, the name, and the properties as the provider spells them."""

    type: str
    name: str
    properties: dict[str, Any]

    @property
    def kind(self) -> str:
        """The kind of a Kubernetes object; empty for everything else, and for Helm releases."""
        return self.type.rpartition(":")[2] if self.type.startswith("kubernetes:") and self.read("kind") else ""

    def read(self, path: str) -> Any:
        """The value at a dotted path: None when it is not there, UNKNOWN when it or what holds it is not known yet."""
        return read(self.properties, path)


def read(value: Any, path: str) -> Any:
    """The value at a dotted path of mappings and lists; as of `Resource.read`."""
    for part in path.split("."):
        if isinstance(value, Unknown):
            return UNKNOWN
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def is_not(value: Any, *wanted: Any) -> bool:
    """Whether a value is known and none of those wanted."""
    return not isinstance(value, Unknown) and value not in wanted


def entries(value: Any) -> list[Any]:
    """The known entries of a list; none where it is missing or not known."""
    return [entry for entry in value if not isinstance(entry, Unknown)] if isinstance(value, list) else []


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping; an empty one where it is missing or not known."""
    return value if isinstance(value, Mapping) else {}


def of_manifests(manifests: Iterable[Mapping[str, Any]]) -> Iterator[Resource]:
    """Manifests as the resources that they become."""
    for manifest in manifests:
        yield Resource(
            f"kubernetes:{manifest['apiVersion']}:{manifest['kind']}", manifest["metadata"]["name"], dict(manifest)
        )


def seen_by_engine(type_: str, name: str, properties: Any, unknown: type[Exception]) -> Resource:
    """A resource from properties that raise `unknown` where a preview does not know them yet."""
    return Resource(type_, name, {key: _known(properties, key, unknown) for key in properties})


def _known(holder: Any, key: Any, unknown: type[Exception]) -> Any:
    try:
        value = holder[key]
    except unknown:
        return UNKNOWN
    if isinstance(value, Mapping):
        return {name: _known(value, name, unknown) for name in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_known(value, index, unknown) for index in range(len(value))]
    return value
