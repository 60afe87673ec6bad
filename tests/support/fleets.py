"""Fleets for tests: settings of so many devices, a key, and what a document says of a model that is none."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from slipway.edge.keys import FleetKey
from slipway.settings.edge import EdgeSettings

BASE = "registry.example.com/slipway/base:bookworm-py311"


def fleet_settings(count: int, /, **changed: Any) -> EdgeSettings:
    """Settings of so many boxes, `box-00000` and on, in three rings that are not held."""
    written: dict[str, Any] = {
        "kind": "edge",
        "control": "http://127.0.0.1:8099",
        "registry": "registry.example.com",
        "base_image": BASE,
        "models": ["digits"],
        "sites": ["berlin"],
        "devices": [{"name": f"box-{index:05}", "hardware": "x86-box", "site": "berlin"} for index in range(count)],
        "success": {"good": "100%", "hold": "1ms"},
    }
    return EdgeSettings.model_validate(written | changed)


def new_key() -> FleetKey:
    """A fleet's key, kept nowhere."""
    return FleetKey(Ed25519PrivateKey.generate())


def an_entry(version: str = "1.0.0", model: str = "digits") -> dict[str, Any]:
    """What a document says of a model; each version is another release."""
    release = f"{abs(hash_of(model + version)):016x}"[:16]
    return {"model": model, "version": version, "release": release, "image": f"registry.example.com/{model}@sha256:0"}


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return int.from_bytes(text.encode().ljust(8, b"-")[-8:], "big")
