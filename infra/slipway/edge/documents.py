"""Make what a device is to run: one canonical JSON document, signed, with a serial that only rises."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from slipway.edge.keys import FleetKey
from slipway.plan.model import ModelPlan
from slipway.render.device import device_objects
from slipway.settings.edge import EdgeSettings
from slipway.values.aliases import Json

MEDIA_TYPE = "application/vnd.slipway.desired.v1+json"
SCHEMA = 1
SETTLE_S = 10
"""How long a device watches a new version's errors and latency before it says that it is good."""
ERRORS = 0.01
"""The share of answers that may be errors on a device before it goes back to the version before."""
TOLERANCE = 1e-4
"""By how much numbers of the golden answer may differ where the spec does not say: CPUs of devices round otherwise."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8: the same value is the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def needs_objects(settings: EdgeSettings, model: str) -> bool:
    """Whether a model is put on a device with Kubernetes."""
    there = {device.hardware for device in settings.devices}
    return any(settings.classes[name].has_cluster for name in settings.placement.get(model, there))


def entry(
    model: ModelPlan,
    images: Mapping[str, str],
    port: int,
    attempt: int = 0,
    weights: Json | None = None,
    particular: Json | None = None,
    *,
    with_objects: bool = False,
) -> Json:
    """What documents say of one model, each with one of `images`; its `release` is the digest of all of it.

    Args:
        model: as it is planned.
        images: each by its digest, by the architecture that it runs on.
        port: where the model answers on the device's loopback; no two models of a fleet have the same.
        attempt: how often a release of the model was asked for again. Devices never try again what they judged bad, so
            that another attempt is another release.
        weights: what devices fetch (`shelved`); None: they are in the image.
        particular: what the fleet's settings say of the model, as `particular_of` gives it.
        with_objects: whether it is for devices with Kubernetes, too: their objects are a part of the release.
    """
    slo, resources = model.spec.slo, model.spec.resources
    said: Json = {
        "model": model.name,
        "version": model.version,
        # One release for all devices, whichever of these theirs is.
        "image": dict(images) if len(images) > 1 else next(iter(images.values())),
        "weights": weights,
        "port": port,
        "check": {"path": "/predict", **model.check.section(), "tolerance": TOLERANCE},
        "memory": resources.memory,
        "cpus": resources.cpu / 1000,
        "priority": 0,
        "config": model.server_config | {"release": ""},
        "health": {"p95_ms": slo.p95_ms if slo is not None else None, "errors": ERRORS, "settle_s": SETTLE_S},
        "env": {},
        **(particular or {}),
    }
    named = said | {"weights": _named(weights)}
    judged = named | {"objects": device_objects(model, "")} if with_objects else named
    digest = hashlib.sha256(canonical([judged, attempt] if attempt else judged)).hexdigest()
    kept = {key: value for key, value in said.items() if key != "image"}
    objects = {"objects": device_objects(model, digest)} if with_objects else {}
    config = {"config": model.server_config | {"release": digest}}
    return kept | {"images": dict(images), "release": digest[:16]} | config | objects


def _named(weights: Json | None) -> Json | None:
    """Weights without the lists of their pieces: they follow from the bytes, which a preview has not read."""
    if weights is None:
        return None
    return weights | {"files": [{key: one[key] for key in one if key != "pieces"} for one in weights["files"]]}


def content(fleet: str, settings: EdgeSettings, device: str, models: Sequence[Json]) -> Json:
    """A device's document without serial and date: what has to differ for a new serial.

    A model whose release has no image that runs on the device is left out: its class was changed since, and the next
    `up` makes a release that has one.
    """
    architecture = settings.architecture(device)
    on_kubernetes = any(one.name == device and settings.classes[one.hardware].has_cluster for one in settings.devices)
    of_kind = _as_objects if on_kubernetes else _as_container
    chosen = [of_kind(one) for one in (_on(architecture, said) for said in models) if one is not None]
    return {
        "schema": SCHEMA,
        "fleet": fleet,
        "device": device,
        "models": sorted(chosen, key=lambda one: str(one["model"])),
        "telemetry": list(settings.telemetry),
        "interval_s": settings.interval,
        **_pull(settings, device),
    }


def _pull(settings: EdgeSettings, device: str) -> Json:
    """How much of its site's link a device may take, and when; nothing where nothing is said."""
    site = next((one.site for one in settings.devices if one.name == device), None)
    link = settings.links.get(site) if site is not None else None
    if site is None or link is None or (link.bandwidth is None and link.hours is None):
        return {}
    each = None if link.bandwidth is None else link.bandwidth // settings.devices_at(site)
    return {"pull": {"bytes_per_s": each, "hours": list(link.hours or ()), "zone": link.zone or "UTC"}}


def _on(architecture: str | None, said: Json) -> Json | None:
    """What a document says of a release on a device of this architecture; None where it has no image for that."""
    if "images" not in said:  # kept by a Slipway that made one image of a model
        return said
    image = said["images"].get(architecture)
    if image is None:
        return None
    return {key: value for key, value in said.items() if key != "images"} | {"image": image}


def _as_objects(said: Json) -> Json:
    """For a device with Kubernetes: the server's configuration is in one of the objects."""
    return said | {"config": None}


def _as_container(said: Json) -> Json:
    """For a device with a Docker Engine."""
    return {key: value for key, value in said.items() if key != "objects"}


def sealed(said: Json, serial: int, key: FleetKey) -> bytes:
    """The envelope of a document: its bytes, the key's name, the signature over the bytes."""
    issued = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    payload = canonical(said | {"serial": serial, "issued": issued})
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "key": key.id,
            "signature": base64.b64encode(key.sign(payload)).decode(),
        }
    )
