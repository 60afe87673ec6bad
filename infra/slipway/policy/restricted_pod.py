"""Check pods against every field of the Pod Security Standard `restricted`, which includes `baseline`.

Source: the checks of Kubernetes' own admission controller, k8s.io/pod-security-admission v0.36.3, folder policy, as the
standard is on Linux without its relaxation for pods with a user namespace.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from slipway.policy.kubernetes import pod_spec, template_of
from slipway.policy.resource import Resource, Unknown, entries, is_not, mapping, read

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
_SECCOMP = ("RuntimeDefault", "Localhost")
_SELINUX = (None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_CONTEXT = "securityContext"


def restricted_pod(resource: Resource) -> Iterator[str]:
    """The pod and each of its containers stay within the standard."""
    pod = pod_spec(resource)
    if not isinstance(pod, Mapping):
        return
    yield from _pod(pod)
    for key, value in mapping(resource.read(f"{template_of(resource)}metadata.annotations")).items():
        if key.startswith(_APPARMOR) and not str(value).startswith(("runtime/default", "localhost/")):
            yield f"annotation {key} is neither runtime/default nor localhost/..."
    shared = pod.get(_CONTEXT)
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for container in entries(pod.get(key)):
            for problem in _container(container, shared):
                yield f"container {container.get('name')}: {problem}"


def _pod(pod: Mapping[str, Any]) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if is_not(pod.get(field), None, False):
            yield f"{field} is not false"
    for volume in entries(pod.get("volumes")):
        for kind in sorted(set(volume) - {"name"} - _VOLUMES):
            yield f"volume {volume.get('name')} is of kind {kind}"
    for sysctl in entries(read(pod, f"{_CONTEXT}.sysctls")):
        if is_not(sysctl.get("name"), *_SYSCTLS):
            yield f"{_CONTEXT}.sysctls has {sysctl.get('name')}"
    if is_not(read(pod, f"{_CONTEXT}.runAsNonRoot"), None, True):
        yield f"{_CONTEXT}.runAsNonRoot is not true"
    yield from _contexts(pod.get(_CONTEXT))


def _contexts(context: Any) -> Iterator[str]:
    """Rules that apply to the security context of a pod and of a container alike."""
    where = _CONTEXT
    if is_not(read(context, "windowsOptions.hostProcess"), None, False):
        yield f"{where}.windowsOptions.hostProcess is not false"
    if is_not(read(context, "seLinuxOptions.type"), *_SELINUX):
        yield f"{where}.seLinuxOptions.type is not a type for containers"
    for field in ("user", "role"):
        if is_not(read(context, f"seLinuxOptions.{field}"), None, ""):
            yield f"{where}.seLinuxOptions.{field} is set"
    if is_not(read(context, "appArmorProfile.type"), None, *_SECCOMP):
        yield f"{where}.appArmorProfile.type is neither RuntimeDefault nor Localhost"
    if read(context, "runAsUser") == 0:
        yield f"{where}.runAsUser is 0"
    if is_not(read(context, "seccompProfile.type"), None, *_SECCOMP):
        yield f"{where}.seccompProfile.type is neither RuntimeDefault nor Localhost"


def _container(container: Mapping[str, Any], pod_context: Any) -> Iterator[str]:
    context = container.get(_CONTEXT)
    yield from _contexts(context)
    if is_not(read(context, "privileged"), None, False):
        yield f"{_CONTEXT}.privileged is not false"
    if is_not(read(context, "allowPrivilegeEscalation"), False):
        yield f"{_CONTEXT}.allowPrivilegeEscalation is not false"
    if is_not(read(context, "procMount"), None, "", "Default"):
        yield f"{_CONTEXT}.procMount is not Default"
    for field, wanted in (("runAsNonRoot", (True,)), ("seccompProfile.type", _SECCOMP)):
        own = read(context, field)
        if is_not(own if own is not None else read(pod_context, field), *wanted):
            yield f"{_CONTEXT}.{field} is not {' or '.join(map(str, wanted))}, neither on it nor on its pod"
    dropped = read(context, "capabilities.drop")
    if not isinstance(dropped, Unknown) and "ALL" not in entries(dropped):
        yield f"{_CONTEXT}.capabilities.drop has no ALL"
    for added in entries(read(context, "capabilities.add")):
        if added != "NET_BIND_SERVICE":
            yield f"{_CONTEXT}.capabilities.add has {added}"
    for port in entries(container.get("ports")):
        if is_not(port.get("hostPort"), None, 0):
            yield f"port {port.get('containerPort')} has a hostPort"
    for path in _hooks():
        if is_not(read(container, path), None, ""):
            yield f"{path} is set"


def _hooks() -> Iterator[str]:
    """Paths of the hosts that the kubelet would call for a container."""
    for probe in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle.postStart", "lifecycle.preStop"):
        yield f"{probe}.httpGet.host"
        yield f"{probe}.tcpSocket.host"
