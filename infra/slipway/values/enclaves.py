"""Refuse what people write who look for an enclave, with the reason: there is none to run a model in."""

from collections.abc import Mapping
from typing import Any

from slipway.values.quantities import refusal

_NITRO = (
    "is not there: an AWS Nitro Enclave has no network, no disk and no GPU, runs an image of its own format, and is "
    "reached by a socket of its parent instance only"
)
_SGX = "is not there: no instance type of EC2 has Intel SGX"
_REASONS: Mapping[str, str] = {
    "enclave": _NITRO,
    "enclaves": _NITRO,
    "nitro": _NITRO,
    "nitro_enclaves": _NITRO,
    "sgx": _SGX,
    "confidential": "is not there: no way to compute on encrypted memory has been tried",
}
_TODO = "remove it; docs/adr/0084-operation-on-aws.md says what is missing"


def refuse_enclaves(section: Any) -> Any:
    """Give a section back as it was written, before it is validated; refuse a key that asks for an enclave."""
    if isinstance(section, Mapping):
        for key, reason in _REASONS.items():
            if key in section:
                raise refusal(reason, "models in pods of their own, on nodes of an account of your own", _TODO, (key,))
    return section
