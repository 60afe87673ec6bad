"""Links that are cut at moments that nobody chose, callers that ask all the time, and what had to come over a link."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import requests

from tests.support.edge_devices import Device
from tests.support.shaped_links import Link

_ASK_EVERY_S = 0.5
_LIMIT_S = 30
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


class Cuts:
    """Cuts some of the links at a time while a device is at work on a version, and mends them. `done`: how often."""

    def __init__(self, links: Sequence[Link], devices: Sequence[Device], seed: int) -> None:
        """Take links and devices."""
        self._links, self._devices, self._chance = links, devices, random.Random(seed)
        self.done = 0
        self.most = 0
        """So often, and no more."""

    def go_on(self, over: threading.Event) -> None:
        """Cut until it is said; every link is whole afterwards."""
        while not over.wait(self._chance.expovariate(2.0)):
            if self.done >= self.most or not any(one.at_work() for one in self._devices):
                continue
            chosen = self._chance.sample(self._links, self._chance.randint(1, min(5, len(self._links))))
            for link in chosen:
                link.cut()
            over.wait(self._chance.uniform(0.1, 1.5))
            for link in chosen:
                link.mend()
            self.done += 1


@contextmanager
def cutting(cuts: Cuts) -> Iterator[None]:
    """Cut links while the block runs."""
    over = threading.Event()
    thread = threading.Thread(target=cuts.go_on, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Caller:
    """A caller on a device, who asks twice a second. `without`: when it got no right answer after the first one."""

    def __init__(self, device: Device) -> None:
        """Ask nothing yet."""
        self.device = device
        self.right = 0
        self.without: list[str] = []

    def go_on(self, over: threading.Event) -> None:
        """Ask until it is said."""
        began = time.monotonic()
        while not over.wait(_ASK_EVERY_S):
            label = self.device.label()
            if label == 7:
                self.right += 1
            elif self.right:
                what = "no answer" if label is None else f"label {label}"
                self.without.append(f"{self.device.name}: {what} after {time.monotonic() - began:.0f} s")


@contextmanager
def calling(devices: Sequence[Device]) -> Iterator[list[Caller]]:
    """Have a caller on each device while the block runs."""
    over = threading.Event()
    callers = [Caller(device) for device in devices]
    threads = [threading.Thread(target=caller.go_on, args=(over,)) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def least_bytes(images: Sequence[str]) -> int:
    """Bytes that images are, without what they share: layers and configurations, each once.

    `images`: `HOST:PORT/NAME@sha256:...`, of a registry without TLS.
    """
    sizes: dict[str, int] = {}
    for image in images:
        repository, _, digest = image.partition("@")
        host, _, name = repository.partition("/")
        manifest = requests.get(
            f"http://{host}/v2/{name}/manifests/{digest}", headers={"Accept": _MANIFEST}, timeout=_LIMIT_S
        ).json()
        sizes |= {blob["digest"]: blob["size"] for blob in (manifest["config"], *manifest["layers"])}
    return sum(sizes.values())
