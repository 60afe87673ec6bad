"""Lists the kinds of objects that an environment has in its cluster beside its models'."""

from collections.abc import Mapping

PRIORITY_CLASS = "PriorityClass"
"""The one kind that is the whole cluster's: those of an environment are told by labels and by their names."""
ENVIRONMENT_OBJECTS: Mapping[str, str] = {
    "PodMonitor": "apis/monitoring.coreos.com/v1/namespaces/{namespace}/podmonitors",
    "AlertmanagerConfig": "apis/monitoring.coreos.com/v1alpha1/namespaces/{namespace}/alertmanagerconfigs",
    "Gateway": "apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/gateways",
    "EnvoyProxy": "apis/gateway.envoyproxy.io/v1alpha1/namespaces/{namespace}/envoyproxies",
    "ClientTrafficPolicy": "apis/gateway.envoyproxy.io/v1alpha1/namespaces/{namespace}/clienttrafficpolicies",
    "RoleBinding": "apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
    "Role": "apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
    "Certificate": "apis/cert-manager.io/v1/namespaces/{namespace}/certificates",
    "Secret": "api/v1/namespaces/{namespace}/secrets",
    "PersistentVolumeClaim": "api/v1/namespaces/{namespace}/persistentvolumeclaims",
    "ResourceQuota": "api/v1/namespaces/{namespace}/resourcequotas",
    PRIORITY_CLASS: "apis/scheduling.k8s.io/v1/priorityclasses",
}
"""Path of each kind's collection in the API, in the order in which they are deleted. Other kinds that an environment
has are among MODEL_OBJECTS. Only an environment with a gateway, monitoring or teams has these."""
