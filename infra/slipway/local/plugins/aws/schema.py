"""Say of one resource type what pulumi-aws says of it: its properties, what replaces it, and how AWS makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from slipway.local.plugins.aws.backend import Aws

Object: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Property:
    """One input of a resource type, or of a block in it.

    `replaces`: AWS cannot change it, so a change makes the resource anew (ForceNew in Terraform's AWS provider).
    `unordered`: a list whose order means nothing. `json`: a text of JSON, compared by its meaning.
    `local`: AWS is not told; the provider itself acts on it (`forceDestroy`), so no look at AWS can find it changed.
    `fields`: the properties of a block, or of each block in a list; None for values and free maps such as tags.
    """

    required: bool = False
    replaces: bool = False
    unordered: bool = False
    json: bool = False
    local: bool = False
    fields: Mapping[str, "Property"] | None = None


@dataclass(frozen=True)
class ResourceType:
    """A resource type of pulumi-aws. All functions get plain values and a name as pulumi-aws spells it.

    `computed`: outputs that AWS decides, unknown in a preview. `source`: where `replaces` was read.
    `name`: the property that holds the physical name; while it stays the same, a replacement deletes first, as
    Pulumi's bridge does for names that it did not choose. `delete_first`: it always does.
    `imported(aws, given)`: (id, state) of what a person names to `pulumi import` where that is not the id; the plugin
    asks so whenever it has to read a resource of which the state says nothing.
    `replaces_when(old, new)`: properties that replace only in some cases, for these inputs.
    `create(aws, inputs)` makes the resource with one call and gives its id; `configure(aws, id, inputs)` does what
    takes further calls, and may run again. `read(aws, id, state)` gives all live properties, inputs and outputs, or
    None when the resource is gone; `state` is empty for an import. `update(aws, id, old, new)` makes `new` of what
    `old` made; None: every property replaces. `delete(aws, id, state)` is content with a resource that is gone.
    """

    token: str
    properties: Mapping[str, Property]
    source: str
    create: Callable[[Aws, Object], str]
    read: Callable[[Aws, str, Object], Object | None]
    delete: Callable[[Aws, str, Object], None]
    update: Callable[[Aws, str, Object, Object], None] | None = None
    configure: Callable[[Aws, str, Object], None] | None = None
    computed: frozenset[str] = field(default_factory=frozenset)
    name: str | None = None
    delete_first: bool = False
    replaces_when: Callable[[Object, Object], frozenset[str]] | None = None
    imported: Callable[[Aws, str], tuple[str, Object]] | None = None


VALUE = Property()
REQUIRED = Property(required=True)
FIXED = Property(replaces=True)
REQUIRED_FIXED = Property(required=True, replaces=True)
SET = Property(unordered=True)
JSON = Property(json=True)
LOCAL = Property(local=True)


def block(*, required: bool = False, replaces: bool = False, unordered: bool = False, **fields: Property) -> Property:
    """A property that is a block, or a list of blocks, with these properties of its own."""
    return Property(required=required, replaces=replaces, unordered=unordered, fields=fields)
