"""Sign passes, by which what comes past the gateway shows a model's server, or the keys service, that it may.

Whoever may read the Secret with the signing key may call every model and administer keys: Kubernetes' own rights decide
it, and Slipway keeps no credentials for it.
"""

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from slipway.errors.base import SlipwayError
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Json
from slipway.values.names import GATEWAY_TRUST, KEYS_SIGNING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PASS_HEADER = "x-slipway-pass"  # noqa: S105 - the name of a header
ADMIN_AUDIENCE = "keys-admin"
"""Of passes for the keys service's own interface."""
_PEM = "private.pem"


class SigningKeyUnusable(SlipwayError):
    """The Secret is there, and no pass can be signed with it. `problem` follows its name."""

    def __init__(self, namespace: str, problem: str) -> None:
        super().__init__(
            f"Secret {namespace}/{KEYS_SIGNING} {problem}; allowed: an Ed25519 private key in PEM; next: restore it, "
            f"or delete it and ConfigMap {namespace}/{GATEWAY_TRUST} and run `slipway up`, which makes both anew"
        )


class Objects(Protocol):
    """Whatever reads objects of a namespace, as `slipway.cluster.api.Cluster` does."""

    namespace: str

    def read(self, kind: str, name: str) -> Json | None:
        """Return one object, or None when there is none of that name."""
        ...


@dataclass(frozen=True)
class Passes:
    """Passes to one model. `key`: None where nobody asks for them, or where `forbidden`: the key may not be read.

    `members`: of a pipeline, the models that it asks by the pass that it was asked with.
    """

    model: str
    key: "Ed25519PrivateKey | None"
    forbidden: bool
    members: tuple[str, ...] = ()

    def headers(self) -> Mapping[str, str]:
        """Headers for one call, with a pass that is good for a minute from now; none without a key."""
        if self.key is None:
            return {}
        audiences = [model_audience(name) for name in (self.model, *self.members)]
        return {PASS_HEADER: signed_pass(self.key, audiences[0] if len(audiences) == 1 else audiences)}

    def explained(self, error: ApiRefused) -> str:
        """What a call was refused with, and what to do when that is for lack of a pass."""
        if not (self.forbidden and error.status == HTTPStatus.FORBIDDEN):
            return error.message
        todo = (
            f"ask for the right to get Secret {KEYS_SIGNING}, whose key signs passes to the models of the environment"
        )
        return f"{error.message}; next: {todo}"


def model_audience(model: str) -> str:
    """The audience of passes to a model."""
    return f"model/{model}"


def passes_to(cluster: Objects, model: str, members: tuple[str, ...] = ()) -> Passes:
    """Passes to a model of the cluster's namespace, whether or not it stands behind a gateway; `members`: see `Passes`.

    The Secret decides, not the settings: while they change, models of both kinds serve, and one that asks for no pass
    passes it over. Who may not read it goes without: without a gateway nothing is missing.

    Raises:
        SigningKeyUnusable: the Secret is there, and has no such key.
        ApiRefused, ClusterUnreachable: it cannot be asked for.
    """
    try:
        return Passes(model, signing_key(cluster), False, members)
    except ApiRefused as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return Passes(model, None, True, members)


def signing_key(cluster: Objects) -> "Ed25519PrivateKey | None":
    """The key that passes are signed with; None where the namespace has no gateway. Raises what `passes_to` does."""
    secret = cluster.read("Secret", KEYS_SIGNING)
    if secret is None:
        return None
    # Cryptography takes a tenth of a second, which a command without a gateway does not wait for.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    encoded = (secret.get("data") or {}).get(_PEM)
    if not encoded:
        raise SigningKeyUnusable(cluster.namespace, f"has no key {_PEM}")
    try:
        key = load_pem_private_key(base64.b64decode(encoded, validate=True), password=None)
    # The reason of the library could quote what it read.
    except (binascii.Error, ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyUnusable(cluster.namespace, f"has no private key in PEM in {_PEM}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnusable(cluster.namespace, f"has a key of type {type(key).__name__} in {_PEM}")
    return key


def signed_pass(key: "Ed25519PrivateKey", audience: str | list[str], seconds: int = 60) -> str:
    """A pass for `audience` that is good from now on for so many seconds; servers refuse one of more than 60."""
    import jwt  # noqa: PLC0415 - see `signing_key`

    now = int(time.time())
    return jwt.encode({"aud": audience, "iat": now, "exp": now + seconds}, key, "EdDSA")
