"""Turn the engine's property values (protobuf Struct) into plain Python values and back, secrets and unknowns kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from google.protobuf.struct_pb2 import Struct
from google.protobuf.struct_pb2 import Value as PbValue

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the protocol's mark, no secret)
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_REFUSED: Final = {
    "c44067f5952c0a294b673a41bacd8c17": "an asset",
    "0def7320c3a5731c473e5ecbe6d01bc7": "an archive",
    "5cf8f73096256a8f31e491e813e4eb8e": "a resource",
}
_UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS: Final = frozenset(
    {
        _UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)

Value: TypeAlias = Any
"""A JSON value in which a `Secret` may stand for any value and `UNKNOWN` for one that is not known yet."""
Object: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the engine encrypts in its state and never shows; its repr does not show it either."""

    value: Value

    def __repr__(self) -> str:
        return "Secret([secret])"


class Unknown:
    """The type of `UNKNOWN`: a value that only the deployment itself will produce."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


class PropertyRefusedError(ValueError):
    """A property holds something that no Kubernetes object can hold."""


def decode(struct: Struct) -> Object:
    """Read a property map; null values are left out, whole numbers become int.

    Keys which SDKs spell with underscores because their language has no dash (x_kubernetes_*) get their dashes back.
    Raises PropertyRefusedError for assets, archives and resource references.
    """
    result: Object = {}
    for key, value in struct.fields.items():
        if value.WhichOneof("kind") != "null_value":
            name = key.replace("_", "-") if key.startswith("x_kubernetes_") else key
            try:
                result[name] = _decode(value)
            except PropertyRefusedError as error:
                raise PropertyRefusedError(f"{name}.{error}" if str(error)[0] != ":" else f"{name}{error}") from None
    return result


def _decode(value: PbValue) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _UNKNOWNS else text
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _decode_struct(value.struct_value)
    return None


def _decode_struct(struct: Struct) -> Value:
    if _SIGNATURE not in struct.fields:
        return decode(struct)
    signature = struct.fields[_SIGNATURE].string_value
    if signature in _REFUSED:
        raise PropertyRefusedError(
            f": holds {_REFUSED[signature]}, which a Kubernetes object cannot hold; read its content first"
        )
    inner = _decode(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
    if signature == _SECRET or (signature == _OUTPUT and struct.fields["secret"].bool_value):
        return Secret(inner)
    return inner


def encode(values: Mapping[str, Value]) -> Struct:
    """Write a property map."""
    struct = Struct()
    fields = struct.fields
    for key, value in values.items():
        _encode(fields[key], value)
    return struct


def _encode(target: PbValue, value: Value) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, (int, float)):
        target.number_value = value
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        fields = target.struct_value.fields
        for key, item in value.items():
            _encode(fields[key], item)
    elif isinstance(value, list):
        target.list_value.SetInParent()
        add = target.list_value.values.add
        for item in value:
            _encode(add(), item)
    elif value is None:
        target.null_value = 0  # type: ignore[assignment]
    elif isinstance(value, Secret):
        target.struct_value.fields[_SIGNATURE].string_value = _SECRET
        _encode(target.struct_value.fields["value"], value.value)
    elif isinstance(value, Unknown):
        target.string_value = _UNKNOWN_STRING
    else:
        raise TypeError(f"{type(value).__name__} is no property value")


def plain(value: Value) -> Value:
    """The same value without secret marks (unknowns stay)."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def has_unknown(value: Value) -> bool:
    """Whether anything in the value is not known yet."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return isinstance(value, Secret) and has_unknown(value.value)


def has_secret(value: Value) -> bool:
    """Whether anything in the value is secret."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    return isinstance(value, list) and any(has_secret(item) for item in value)


def mark_secrets(outputs: Object, inputs: Object) -> Object:
    """Mark in `outputs` what is secret in `inputs`, and all data of a Secret object whoever wrote it.

    A list is marked as a whole: an API server may reorder it, and a secret must not slip out by moving. Mappings are
    walked into, so that one secret in a Deployment does not hide all of it.
    """
    if outputs.get("kind") == "Secret" and outputs.get("apiVersion") == "v1":
        return {
            key: Secret(item) if key in ("data", "stringData") and not isinstance(item, Secret) else item
            for key, item in outputs.items()
        }
    return dict(_marked(outputs, inputs))


def _marked(outputs: Object, inputs: Object) -> Iterator[tuple[str, Value]]:
    for key, item in outputs.items():
        given = inputs.get(key)
        if isinstance(item, dict) and isinstance(given, dict):
            yield key, dict(_marked(item, given)) if has_secret(given) else item
        elif given is not None and not isinstance(item, Secret) and has_secret(given):
            yield key, Secret(item)
        else:
            yield key, item
