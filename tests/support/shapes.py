"""Objects as a Kubernetes 1.36 cluster really showed them, cut down to the fields that judgements read."""

from typing import Any

Manifest = dict[str, Any]

NOT_FOUND = (
    'rpc error: code = NotFound desc = failed to pull and unpack image "127.0.0.1:5000/nothing:1": failed to resolve '
    'reference "127.0.0.1:5000/nothing:1": 127.0.0.1:5000/nothing:1: not found'
)
REFUSED = (
    'failed to pull and unpack image "127.0.0.1:5000/x:1": failed to do request: Head '
    '"http://127.0.0.1:5000/v2/x/manifests/1": dial tcp 127.0.0.1:5000: connect: connection refused'
)
NO_NODES = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. no new claims to deallocate"


def pod(
    name: str = "digits-1", *, container: Manifest | None = None, spec: Manifest | None = None, **status: Any
) -> Manifest:
    """A pod on a node; `container` is its one container's status, `status` what else its status holds."""
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "slipway", "uid": f"uid-{name}", "ownerReferences": [{"uid": "rs-2"}]},
        "spec": {"restartPolicy": "Always", "containers": [{"name": "server", "image": "x:1"}], **(spec or {})},
        "status": {
            "phase": "Pending",
            "conditions": conditions,
            "containerStatuses": [
                {"name": "server", "image": "x:1", "ready": False, "restartCount": 0, **(container or {})}
            ],
            **status,
        },
    }


def serving(name: str = "digits-1") -> Manifest:
    """A pod that is ready."""
    held = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Initialized", "Ready")]
    return pod(name, container={"ready": True}, phase="Running", conditions=held)


def unschedulable(name: str = "digits-1", reason: str = "Unschedulable") -> Manifest:
    """A pod that no node takes."""
    told = {"type": "PodScheduled", "status": "False", "reason": reason, "message": NO_NODES}
    return pod(name, conditions=[told], containerStatuses=[])


def waiting(reason: str, message: str = "", **container: Any) -> Manifest:
    """A container status in state waiting."""
    return {"state": {"waiting": {"reason": reason, "message": message}}, "lastState": {}, **container}


def ended(code: int = 7, *, restarts: int = 0, message: str = "", reason: str = "Error") -> Manifest:
    """A container status in state terminated."""
    told = {"exitCode": code, "reason": reason, **({"message": message} if message else {})}
    return {"state": {"terminated": told}, "lastState": {}, "restartCount": restarts}


def back_off(code: int = 7, *, restarts: int = 1, message: str = "", reason: str = "Error") -> Manifest:
    """A container status in CrashLoopBackOff: what ended is in lastState."""
    told = {"exitCode": code, "reason": reason, **({"message": message} if message else {})}
    return waiting("CrashLoopBackOff", "back-off 10s", lastState={"terminated": told}, restartCount=restarts)


def running(*, restarts: int = 0) -> Manifest:
    """A container status in state running, not ready."""
    return {"state": {"running": {"startedAt": "2026-11-21T19:53:40Z"}}, "lastState": {}, "restartCount": restarts}


def deployment(*, conditions: list[Manifest] | None = None, spec: Manifest | None = None, **status: Any) -> Manifest:
    """A Deployment of two replicas whose change the controller has taken up."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "digits",
            "namespace": "slipway",
            "uid": "d",
            "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "digits"}}, **(spec or {})},
        "status": {"observedGeneration": 3, "conditions": conditions or [], **status},
    }


def replica_set(revision: int, *, ready: int = 0) -> Manifest:
    """The ReplicaSet `rs-<revision>` of that Deployment, with `ready` of its two pods ready."""
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    metadata = {"name": f"rs-{revision}", "uid": f"rs-{revision}", "annotations": annotations}
    return {"kind": "ReplicaSet", "metadata": metadata, "spec": {"replicas": 2}, "status": {"readyReplicas": ready}}
