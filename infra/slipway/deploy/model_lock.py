"""Let one run at a time deploy a model, by a Lease in the cluster that ends by itself when its holder dies.

The engine's own lock ends with its process, but a release is only final after it was judged and, if wrong,
taken back; another run in between would judge, or take back, what it did not deploy.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

from slipway.deploy.ports import ClusterApi
from slipway.engine.process import TABLE, parsed, spoken
from slipway.errors.base import SlipwayError
from slipway.errors.failures import Interrupted, LockLost, ModelLocked
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Json
from slipway.values.names import MANAGED_BY, lock

_DURATION_S = 20
_RENEW_S = 5.0
_RETRY_S = 1.0
_WAIT_LIMIT_S = 900.0
_CONFLICT = 409


class ModelLock(AbstractContextManager["ModelLock"]):
    """Lock a model while the block runs. Waits for another run, naming it; `ModelLocked` past the limit.

    A holder that ran here and is gone is not waited for; of any other only the Lease's end tells.

    Attributes:
        inherited: whether another run left the Lease, which only one does that was killed or cut off.
    """

    def __init__(
        self, cluster: ClusterApi, model: str, report: Callable[[str], None], cancelled: threading.Event
    ) -> None:
        self._cluster = cluster
        self._model = model
        self._report = report
        self._cancelled = cancelled
        self._done = threading.Event()
        self._lost: str | None = None
        self.inherited = False
        self._renewer = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> "ModelLock":
        waited = 0.0
        while (holder := self._take()) is not None:
            if waited >= _WAIT_LIMIT_S:
                raise ModelLocked(self._model, spoken(holder), _WAIT_LIMIT_S)
            self._report(f"waiting for {spoken(holder)}, which is deploying it")
            if self._cancelled.wait(_RETRY_S):
                raise Interrupted
            waited += _RETRY_S
        self._renewer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._renewer.join()
        lease = self._read_mine()
        if lease is None:
            return
        try:
            version = lease["metadata"]["resourceVersion"]
            self._cluster.delete("Lease", lock(self._model), resource_version=version)
        except SlipwayError:
            # It ends by itself in a few seconds; the block's own result matters more than this.
            self._report(f"the lock could not be removed; it expires in {_DURATION_S} s")

    def check(self) -> None:
        """Raise `LockLost` when another run has taken the model; called before each step that changes it."""
        if self._lost is not None:
            raise LockLost(self._model, spoken(self._lost))

    def _take(self) -> str | None:
        """Take the Lease when it is free, expired or its holder gone; else return who holds it."""
        try:
            lease = self._cluster.read("Lease", lock(self._model))
            if lease is None:
                self._cluster.create(self._lease())
            else:
                holder = lease["spec"].get("holderIdentity", "")
                if holder != _identity() and not released(lease):
                    return str(holder)
                self._cluster.replace(self._lease(lease["metadata"]["resourceVersion"]))
                self.inherited = True
        except ApiRefused as error:
            if error.status == _CONFLICT:
                return "another run"
            raise
        return None

    def _renew(self) -> None:
        """Move the Lease's end while the block runs; a failure to reach the cluster is tried again."""
        while not self._done.wait(_RENEW_S):
            try:
                lease = self._cluster.read("Lease", lock(self._model))
                holder = lease["spec"].get("holderIdentity") if lease else "nobody"
                if lease is None or holder != _identity():
                    self._lost = str(holder)
                    return
                self._cluster.replace(self._lease(lease["metadata"]["resourceVersion"]))
            except SlipwayError as error:
                self._report(f"the lock was not renewed, trying again: {error}")

    def _read_mine(self) -> Json | None:
        """Return the Lease if it still is ours."""
        try:
            lease = self._cluster.read("Lease", lock(self._model))
        except SlipwayError:
            return None
        return lease if lease and lease["spec"].get("holderIdentity") == _identity() else None

    def _lease(self, resource_version: str | None = None) -> Json:
        metadata: dict[str, Any] = {
            "name": lock(self._model),
            "labels": {"app.kubernetes.io/name": self._model, "app.kubernetes.io/managed-by": MANAGED_BY},
        }
        if resource_version:
            metadata["resourceVersion"] = resource_version
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": _identity(),
                "leaseDurationSeconds": _DURATION_S,
                "renewTime": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            },
        }


def _identity() -> str:
    return str(TABLE.own)


def released(lease: Json) -> bool:
    """Whether nobody holds a Lease any more: it was not renewed in time, or its holder ran here and is gone."""
    spec = lease["spec"]
    renewed = datetime.fromisoformat(spec["renewTime"])
    if datetime.now(UTC) - renewed > timedelta(seconds=spec["leaseDurationSeconds"]):
        return True
    holder = parsed(str(spec.get("holderIdentity") or ""))
    return holder is not None and TABLE.gone(holder)
