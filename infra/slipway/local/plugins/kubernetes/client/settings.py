"""Read the provider's configuration: the keys that the real plugin knows, each either honoured or refused by name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from slipway.local.plugins.protocol.errors import SettingsError
from slipway.local.plugins.protocol.properties import UNKNOWN, plain

_WITHOUT_EFFECT = frozenset({"version", "pluginDownloadURL", "suppressHelmHookWarnings"})
"""Keys about things that never happen here: there are no Helm hooks to warn of, no plugin to fetch."""


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """What one provider resource is told; kubeconfig is a path or the file's contents."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    clusterIdentifier: str | None = None  # noqa: N815 (the configuration's own keys)
    deleteUnreachable: bool = False  # noqa: N815
    skipUpdateUnreachable: bool = False  # noqa: N815
    enableServerSideApply: bool = True  # noqa: N815
    enableConfigMapMutable: bool = False  # noqa: N815
    enableSecretMutable: bool = False  # noqa: N815
    enablePatchForce: bool = False  # noqa: N815
    upsertExistingObjects: bool = False  # noqa: N815
    suppressDeprecationWarnings: bool = False  # noqa: N815


_BOOLEANS = frozenset(field.name for field in fields(Settings) if field.type is bool)
_TEXTS = frozenset(field.name for field in fields(Settings)) - _BOOLEANS


def parse(args: Mapping[str, Any]) -> Settings:
    """Read the configuration as the engine gives it: booleans may be text; unknown values count as not given.

    Raises SettingsError naming the first key that is not supported or has a wrong value.
    """
    values: dict[str, Any] = {}
    for key, marked in sorted(args.items()):
        value = plain(marked)
        if value is UNKNOWN or value is None or key in _WITHOUT_EFFECT or key.startswith("__"):
            continue
        if key in _BOOLEANS:
            values[key] = _boolean(key, value)
        elif key in _TEXTS:
            values[key] = _text(key, value)
        else:
            allowed = ", ".join(sorted(_BOOLEANS | _TEXTS))
            raise SettingsError(
                key,
                f"{key} is not supported by this stand-in for the pulumi-kubernetes plugin; supported are: {allowed}",
            )
    if values.get("enableServerSideApply") is False:
        raise SettingsError(
            "enableServerSideApply",
            "enableServerSideApply: false (client-side apply) is not supported by this stand-in for the "
            "pulumi-kubernetes plugin; leave it out",
        )
    return Settings(**values)


def _boolean(key: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise SettingsError(key, f"{key} is {value!r}; expected true or false")


def _text(key: str, value: Any) -> str | None:
    if isinstance(value, dict) and key == "kubeconfig":
        return json.dumps(value)
    if not isinstance(value, str):
        raise SettingsError(key, f"{key} has the type {type(value).__name__}; expected text")
    return value or None
