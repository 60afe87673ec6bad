"""A Service whose selector changes from version to version: callers in the cluster keep one address."""

from slipway_edge.cluster.own import ENTRY, MODEL, PORT, Own, label
from slipway_edge.values.errors import Away
from slipway_edge.values.objects import SERVER_PORT, Json

_PORT_FIELDS = ("name", "port", "targetPort", "protocol", "appProtocol")


class ServicePorts:
    """Services named after their models. Kubernetes leads callers, also while the agent is down."""

    def __init__(self, own: Own) -> None:
        self._own = own

    def lead(self, port: int, address: tuple[str, int]) -> None:
        """Have the model's Service select the pods of a version, as the version's own Service does.

        Raises:
            Away: no answer, the version has no Service, or somebody else's is in the way.
        """
        version = next((one for one in self._own.all("Service", address[0]) if label(one, PORT) is None), None)
        if version is None:
            raise Away(f"the Service of version {address[0]} is gone")
        model = label(version, MODEL) or ""
        self._own.apply(_manifest(model, version["spec"]), model, address[0], port)

    def leads(self, port: int) -> tuple[str, int] | None:
        """Where the Service of a port leads; None: there is none."""
        found = next((label(one, ENTRY) for one in self._of(port)), None)
        return None if found is None else (found, SERVER_PORT)

    def close(self, port: int) -> None:
        """Delete the Service of a port."""
        for one in self._of(port):
            self._own.api.delete("Service", one["metadata"]["name"])

    def _of(self, port: int) -> list[Json]:
        return [one for one in self._own.all("Service") if label(one, PORT) == str(port)]


def _manifest(model: str, spec: Json) -> Json:
    ports = [{field: one[field] for field in _PORT_FIELDS if field in one} for one in spec["ports"]]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": model},
        "spec": {"type": "ClusterIP", "selector": spec["selector"], "ports": ports},
    }
