"""Open what samples are kept with, before the model is loaded, so that its memory counts as the server's own."""

import time
from dataclasses import dataclass
from pathlib import Path

from slipway_server.capture.capture import Capture
from slipway_server.capture.keyring import Keyring, KeysMissing
from slipway_server.capture.store import S3Store, Store
from slipway_server.capture.writing import Writer
from slipway_server.startup.ports import StartError
from slipway_server.steps.assembled import Steps
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.config import ServerConfig


@dataclass(frozen=True, slots=True)
class Place:
    """What samples are encrypted by, and where they go."""

    keyring: Keyring
    store: Store


def place_of(config: ServerConfig) -> Place | None:
    """Return where samples go; None where none are kept. Raises `StartError` where there are no keys for them."""
    section = config.capture
    if section is None:
        return None
    folder = Path(section.folder)
    try:
        return Place(Keyring.of(folder, time.monotonic), S3Store(section.store, folder))
    except KeysMissing as error:
        raise StartError(f"no sample can be encrypted: {error}") from None
    except OSError as error:
        raise StartError(f"the store of samples cannot be opened: {error.filename}: {error.strerror}") from None


def capturing(config: ServerConfig, place: Place | None, steps: Steps, metrics: Metrics) -> Capture | None:
    """Return what keeps samples from now on; None where none are kept."""
    section = config.capture
    if section is None or place is None or steps.sample is None:
        return None
    metrics.count_samples("stored", 0)
    about = {"model": config.model.name, "version": config.model.version, "release": config.release}
    writer = Writer(place.keyring, place.store, section.store.prefix, about, metrics.count_samples)
    return Capture(section.share, steps.sample, writer, metrics.count_samples)
