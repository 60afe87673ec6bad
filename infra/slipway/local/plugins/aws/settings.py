"""Read the configuration of an aws provider, as pulumi-aws spells it."""

import json
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.aws.schema import Object
from slipway.local.plugins.protocol.errors import SettingsError

KNOWN = frozenset({"allowedAccountIds", "forbiddenAccountIds", "region", "version", "pluginDownloadURL"})
_DEFAULTS_OF_THE_SDK = frozenset(
    {"skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId"}
)


@dataclass(frozen=True)
class Settings:
    """What one provider of a program was configured with."""

    region: str
    allowed_account_ids: tuple[str, ...]
    forbidden_account_ids: tuple[str, ...]


def parse(args: Object) -> Settings:
    """Read a provider's arguments. Raises SettingsError."""
    for key in args:
        if key not in KNOWN | _DEFAULTS_OF_THE_SDK and not key.startswith("__"):
            raise SettingsError(key, f"the rehearsal does not know {key} of the aws provider; it knows {_known()}")
    region = args.get("region")
    if not isinstance(region, str) or not region:
        raise SettingsError("region", "the aws provider needs a region")
    return Settings(region, _texts(args, "allowedAccountIds"), _texts(args, "forbiddenAccountIds"))


def _known() -> str:
    return ", ".join(sorted(KNOWN))


def _texts(args: Object, key: str) -> tuple[str, ...]:
    """A list; SDKs send it to providers as JSON text."""
    value: Any = args.get(key, [])
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise SettingsError(key, f"{key} is a list of texts")
    return tuple(found)


def check_account(settings: Settings, account: str) -> None:
    """Refuse an account that the program must not touch, in the words of Terraform's AWS provider."""
    allowed = settings.allowed_account_ids
    if (allowed and account not in allowed) or account in settings.forbidden_account_ids:
        raise SettingsError("allowedAccountIds", f"AWS account ID not allowed: {account}")
