"""Tell who sets the replicas of a model: its Deployment, a HorizontalPodAutoscaler, or a ScaledObject of KEDA's.

KEDA makes a HorizontalPodAutoscaler of its own under the ScaledObject, of the same name, and gives it the labels of the
ScaledObject: only its owner says whose it is.
"""

from collections.abc import Mapping
from typing import Any

from slipway.cluster.pod_trouble import condition

HPA = "HorizontalPodAutoscaler"
SCALED_OBJECT = "ScaledObject"
FINALIZER = "finalizer.keda.sh"
"""KEDA's operator takes it off a ScaledObject that is being deleted; without the operator the object stays."""


def may_sleep(scaled_object: Mapping[str, Any]) -> bool:
    """Whether a ScaledObject leaves its model without a replica while nobody calls it."""
    spec = scaled_object.get("spec") or {}
    return 0 in (spec.get("idleReplicaCount"), spec.get("minReplicaCount"))


def of_keda(autoscaler: Mapping[str, Any]) -> bool:
    """Whether KEDA made a HorizontalPodAutoscaler, for a ScaledObject."""
    owners = (autoscaler.get("metadata") or {}).get("ownerReferences") or []
    return any(owner.get("kind") == SCALED_OBJECT for owner in owners)


def trouble_of_scaler(scaled_object: Mapping[str, Any]) -> str:
    """What KEDA says is wrong with a ScaledObject; empty when nothing is."""
    ready = condition(dict(scaled_object), "Ready")
    if condition(dict(scaled_object), "Paused").get("status") == "True":
        return "somebody paused its ScaledObject: the annotation autoscaling.keda.sh/paused goes to continue it"
    if not ready:
        return "KEDA has not said anything about its ScaledObject: its operator may not run"
    if ready.get("status") == "True":
        return ""
    return f"KEDA says {ready.get('reason') or 'that it is not ready'}: {ready.get('message') or 'no more than that'}"
