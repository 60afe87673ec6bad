"""What is the agent's in a namespace: known by labels, and nothing else there is changed."""

from slipway_edge.cluster.api import Api
from slipway_edge.values.document import Entry
from slipway_edge.values.errors import Away, Bad
from slipway_edge.values.objects import KINDS, Json

DEVICE = "slipway.dev/edge-device"
MODEL = "slipway.dev/edge-model"
ENTRY = "slipway.dev/edge-entry"
PORT = "slipway.dev/edge-port"
"""On the Service that callers use alone: the port of the document that it stands for."""


class Own:
    """The objects of one device in its namespace."""

    def __init__(self, api: Api, device: str) -> None:
        self.api = api
        self._device = device

    def all(self, kind: str, entry: str | None = None) -> list[Json]:
        """Return those of a kind; `entry`: of the version with this digest alone."""
        return self.api.list(kind, {DEVICE: self._device, **({} if entry is None else {ENTRY: entry})})

    def apply(self, manifest: Json, model: str, entry: str, port: int | None = None) -> None:
        """Have an object be so, with our labels; `port`: of the Service that leads from version to version.

        Raises:
            Away: one of that name is there and is somebody else's.
            Bad: it is another version's: names of versions have to differ.
        """
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        there = self.api.read(kind, name)
        if there is not None:
            has = there["metadata"].get("labels") or {}
            if has.get(DEVICE) != self._device:
                raise Away(f"{kind} {name} is there and not this agent's; next: remove or rename it")
            if port is None and has.get(ENTRY) != entry:
                raise Bad(f"{kind} {name} is another version's")
        labels = {**self._labels(model, entry), **({} if port is None else {PORT: str(port)})}
        metadata = manifest["metadata"]
        self.api.apply({**manifest, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **labels}}})

    def apply_all(self, entry: Entry) -> None:
        """Have all objects of a version, with what the document says beside them: its image and its environment.

        Raises:
            Bad: it has none: the control side takes this device for one with a Docker Engine; or weights beside it.
            Away, Bad: see `apply`.
        """
        if entry.objects is None:
            raise Bad("the document has no objects for it; next: runs_on: kubernetes for the hardware of this device")
        if entry.weights is not None:
            raise Bad("weights outside of the image reach no pod yet; next: leave this class out of placement")
        if entry.source is not None or entry.cpuset is not None:
            raise Bad("neither source nor cpuset reaches a pod yet; next: leave this class out of placement")
        by_kind = {one["kind"]: one for one in entry.objects}
        for kind in KINDS:
            manifest = by_kind[kind]
            self.apply(self._deployed(manifest, entry) if kind == "Deployment" else manifest, entry.model, entry.digest)

    def _deployed(self, deployment: Json, entry: Entry) -> Json:
        template = deployment["spec"]["template"]
        (container,) = template["spec"]["containers"]
        variables = {one["name"]: one for one in container.get("env", [])}
        variables |= {name: {"name": name, "value": value} for name, value in entry.env.items()}
        env = list(variables.values())
        pods = {**template["spec"], "containers": [{**container, "image": entry.image, "env": env}]}
        labels = {**template["metadata"]["labels"], **self._labels(entry.model, entry.digest)}
        made = {"metadata": {**template["metadata"], "labels": labels}, "spec": pods}
        return {**deployment, "spec": {**deployment["spec"], "template": made}}

    def _labels(self, model: str, entry: str) -> dict[str, str]:
        return {DEVICE: self._device, MODEL: model, ENTRY: entry}


def label(found: Json, name: str) -> str | None:
    """One of the labels of an object."""
    text: str | None = found["metadata"]["labels"].get(name)
    return text
