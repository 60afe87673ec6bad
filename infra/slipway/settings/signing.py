"""Define what a person may write about signatures: whose key signs what an environment runs."""

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from slipway.values.quantities import Truth, line_of_text, refusal, repository_path
from slipway.values.section import Section, left_out

KMS = ("awskms", "gcpkms", "azurekms", "hashivault")
"""Key management services by the schemes that cosign knows them under."""

_LIMIT = 500
_ALLOWED = "a file of the repository with the public key, or a key of " + ", ".join(f"{scheme}://" for scheme in KMS)


def _key(value: object) -> str:
    if isinstance(value, str) and "-----BEGIN" in value:
        problem = "is a key itself (what was written is not shown: it may be a private one)"
        raise refusal(problem, _ALLOWED, "write the key into a file, and name the file of the public key", hidden=True)
    text = line_of_text(_LIMIT, "cosign.pub")(value)
    scheme, found, rest = text.partition("://")
    if not found:
        return repository_path(text)
    if scheme not in KMS or not rest:
        raise refusal("is no key that is known", _ALLOWED, "write for example awskms:///alias/slipway-signing")
    return text


PublicKey = Annotated[
    str, BeforeValidator(_key), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _LIMIT})
]


class Signing(Section):
    """The key that locks and images are signed with, and whether unsigned ones run; nothing is signed when left out."""

    key: PublicKey = Field(
        description="Public key of the signatures: a file, by its path from the repository's root, or a key of AWS "
        "KMS (`awskms:///alias/NAME`), Google Cloud KMS, Azure Key Vault or HashiCorp Vault, as cosign names them.",
        examples=["cosign.pub"],
    )
    required: Truth = Field(
        default=True,
        description="Whether a lock or an image without a right signature is refused; with `false` it is a warning.",
        examples=[False],
    )


SIGNING = Field(
    default=None,
    description="Whose signature locks and images need; nothing is signed or verified when left out.",
    examples=[{"key": "cosign.pub"}],
    exclude_if=left_out,
    json_schema_extra={"since": "0.2"},
)
"""The field `signing`, the same of every kind of environment."""
