"""Tell which fields of an object cannot change in place, so that a change of them replaces the object.

The table has the real plugin's rules (pulumi-kubernetes 4.34.2), among them two of its own making: a change of a
ConfigMap's or Secret's data replaces it, so that the pods that mount it roll, unless the provider is told that they
are mutable. What no table can know (validation rules of custom resources) the API server says in its refusal.
"""

import re
from typing import Any

from slipway.local.plugins.kubernetes.client.kinds import Kind

_SELECTOR = ("spec.selector",)
_POD = tuple(
    f"spec.{field}"
    for field in [
        "affinity",
        "automountServiceAccountToken",
        "dnsConfig",
        "dnsPolicy",
        "enableServiceLinks",
        "hostAliases",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "hostname",
        "imagePullSecrets",
        "nodeName",
        "nodeSelector",
        "overhead",
        "preemptionPolicy",
        "priority",
        "priorityClassName",
        "readinessGates",
        "restartPolicy",
        "runtimeClassName",
        "schedulerName",
        "securityContext",
        "serviceAccount",
        "serviceAccountName",
        "shareProcessNamespace",
        "subdomain",
        "terminationGracePeriodSeconds",
        "volumes",
        "containers",
        "initContainers",
    ]
)
_FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "ReplicaSet"): _SELECTOR,
    ("apps", "StatefulSet"): (
        *_SELECTOR, "spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): (*_SELECTOR, "spec.completions", "spec.parallelism", "spec.template"),
    ("", "ConfigMap"): ("data", "binaryData"),
    ("", "Secret"): ("data", "stringData", "type"),
    ("", "Service"): ("spec.clusterIP",),
    ("", "Pod"): _POD,
    ("", "PersistentVolume"): ("spec.csi", "spec.hostPath", "spec.local", "spec.nfs", "spec.iscsi", "spec.fc"),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName", "spec.resources",
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
}  # fmt: skip
_REFUSAL = re.compile(
    r"immutable|may not change|cannot be changed|cannot change|updates to .* are forbidden"
    r"|may not be (?:changed|updated)|is not allowed to change",
    re.IGNORECASE,
)


def fields(
    kind: Kind, manifest: dict[str, Any], *, mutable_config_maps: bool, mutable_secrets: bool
) -> tuple[str, ...]:
    """The paths of `manifest` whose change replaces it."""
    always = ("metadata.name", "metadata.namespace", "kind")
    declared = manifest.get("immutable") is True
    if kind.kind == "ConfigMap" and kind.group == "" and mutable_config_maps and not declared:
        return always
    if kind.kind == "Secret" and kind.group == "" and mutable_secrets and not declared:
        return (*always, "type")
    return (*always, *_FIELDS.get((kind.group, kind.kind), ()))


def refused_fields(status: dict[str, Any]) -> list[str] | None:
    """The fields that the API server says cannot change; None when its refusal has another reason.

    `status` is the Status object of an answer with code 422. An empty list: some field, but it does not say which.
    """
    causes = status.get("details", {}).get("causes", [])
    named = [cause.get("field", "") for cause in causes if _REFUSAL.search(cause.get("message", ""))]
    if named:
        return [field for field in named if field not in ("", "<nil>")]
    return [] if _REFUSAL.search(status.get("message", "")) else None
