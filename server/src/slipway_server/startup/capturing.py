"""Open what samples are kept with, before the model is loaded, so that its memory counts as the server's own."""

import time
from dataclasses import dataclass
from pathlib import Path

from slipway_server.capture.capture import HELD_BYTES, Capture
from slipway_server.capture.keyring import Keyring, KeysMissing
from slipway_server.capture.store import S3Store, Store
from slipway_server.capture.writing import Writer
from slipway_server.startup.ports import StartError
from slipway_server.steps.assembled import Steps
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.capture import CaptureSection
from slipway_server.values.config import ServerConfig


@dataclass(frozen=True, slots=True)
class Place:
    """What samples are encrypted by, and where they go.

    `held_bytes`: of the memory, that what is on its way there takes at most.
    """

    section: CaptureSection
    keyring: Keyring
    store: Store
    held_bytes: int = HELD_BYTES

    def capturing(self, config: ServerConfig, steps: Steps, metrics: Metrics) -> Capture | None:
        """Return what keeps samples from now on; None where a model has nothing that is kept."""
        if steps.sample is None:
            return None
        metrics.count_samples("stored", 0)
        about = {"model": config.model.name, "version": config.model.version, "release": config.release}
        writer = Writer(self.keyring, self.store, self.section.store.prefix, about, metrics.count_samples)
        return Capture(self.section.share, steps.sample, writer, metrics.count_samples)


def place_of(section: CaptureSection) -> Place:
    """Return where samples go. Raises `StartError` where there are no keys for them."""
    folder = Path(section.folder)
    try:
        return Place(section, Keyring.of(folder, time.monotonic), S3Store(section.store, folder))
    except KeysMissing as error:
        raise StartError(f"no sample can be encrypted: {error}") from None
    except OSError as error:
        raise StartError(f"the store of samples cannot be opened: {error.filename}: {error.strerror}") from None
