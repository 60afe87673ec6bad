"""Find the images of a model that have to stay: what runs, what is recorded, what the history can go back to."""

from collections.abc import Iterable, Iterator

from slipway.deploy.ports import ClusterApi
from slipway.deploy.record import saved
from slipway.history.entry import Entry
from slipway.policy.resource import read
from slipway.values.aliases import Json

_RUNS = (("Deployment", "spec.template.spec"), ("Pod", "spec"))
"""What names images, and where; a candidate that is judged is a Deployment, too."""


def needed_images(cluster: ClusterApi, model: str, entries: Iterable[Entry], keep: int) -> set[str]:
    """Digests of the images that have to stay, whatever else of the namespace they may be of.

    Raises `RecordRefused` where the record cannot be read, and what reading cluster and `entries` raises: then nobody
    knows what is needed.

    Args:
        cluster: of the environment.
        model: its name.
        entries: of its history, the newest first; read as far as they are needed.
        keep: how many different images of releases that were judged right the history keeps.
    """
    found = {image for kind, path in _RUNS for item in cluster.list(kind) for image in _images(item, path)}
    if (record := saved(cluster, model)) is not None:
        found.add(record.image)
    return {image.partition("@")[2] for image in found} | _kept(entries, keep)


def _images(item: Json, path: str) -> Iterator[str]:
    pod = read(item, path) or {}
    for containers in ("initContainers", "containers"):
        yield from (str(container.get("image", "")) for container in pod.get(containers) or [])


def _kept(entries: Iterable[Entry], keep: int) -> set[str]:
    """The newest images that one can go back to."""
    found: set[str] = set()
    for entry in entries:
        if entry.kept and entry.image is not None:
            found.add(entry.image.partition("@")[2])
        if len(found) >= keep:
            break
    return found
