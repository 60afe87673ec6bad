"""What the agent asks of whatever runs containers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from slipway_edge.values.document import Entry


@dataclass(frozen=True)
class Running:
    """A container of ours, or what stands for one in Kubernetes: the pod of a Deployment.

    Attributes:
        name: its name, from model and entry.
        model, digest: whose it is, and the digest of the entry that it was started for.
        address: host and port where it listens, reached from this device alone; None: it does not run. In Kubernetes
            the host is the digest of the entry, since pods come and go.
        ended: how it ended, if it did.
    """

    name: str
    model: str
    digest: str
    address: tuple[str, int] | None
    ended: str = ""


class Engine(Protocol):
    """Raises `Away` where it does not answer and another try may do, `Bad` where it says that a version cannot run."""

    def pull(self, entry: Entry, between: Callable[[], None]) -> None:
        """Have the image of a version; `between` is called now and then meanwhile, about once a second."""

    def has_image(self, entry: Entry) -> bool:
        """Whether it can be started without the network."""

    def start(self, entry: Entry) -> Running:
        """Start a version beside whatever runs; one of the same entry that is there is replaced."""

    def share_out(self, entries: list[Entry]) -> None:
        """Give each of these models its processors, running or not; an engine that others plan for does nothing."""

    def stop(self, running: Running) -> None:
        """End a container, gracefully where it can be, and take it away. None there: nothing happens."""

    def containers(self) -> list[Running]:
        """All containers of this agent, those that ended too."""

    def tidy(self, wanted: list[Entry]) -> None:
        """Delete images that the agent pulled and that no version of `wanted` needs."""


def name_of(entry: Entry) -> str:
    """The name of the container of a version."""
    return f"slipway-{entry.model}-{entry.digest}"
