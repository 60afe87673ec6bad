"""Print what clients need to trust an environment's gateway."""

import base64

from slipway import console
from slipway.cluster.certificates import AUTHORITY
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import UserError
from slipway.errors.failures import NotUpYet
from slipway.values.names import GATEWAY_CERTIFICATE


def show_authority(context: EnvironmentContext) -> None:
    """Print the certificate of the authority that an environment made for itself, as PEM.

    Raises:
        UserError: its gateway has a certificate of others, or it has no gateway.
        NotUpYet: nothing was made yet.
    """
    if not context.running.own_authority:
        place, field = context.file.locate(("gateway",) if context.has_gateway else ())
        problem = "has a certificate that others issued" if context.has_gateway else "there is no gateway"
        todo = "use the authorities that the system trusts, or ask whoever issued the certificate"
        raise UserError(place, field, problem, "a gateway with certificate: self-signed", todo)
    console.result(authority_of(context))


def authority_of(context: EnvironmentContext) -> str:
    """The certificate of the authority that an environment made for itself, as PEM; raises `NotUpYet`."""
    found = context.cluster.read("Secret", GATEWAY_CERTIFICATE)
    authority = ((found or {}).get("data") or {}).get(AUTHORITY)
    if authority is None:
        raise NotUpYet(context.name, f"its gateway has no certificate (Secret {GATEWAY_CERTIFICATE})")
    return base64.b64decode(authority).decode().strip()
