"""Write the configuration files of the components: JSON where they take YAML, which JSON is part of."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from slipway.local.cluster import facts, pki
from slipway.local.host import paths


def write_all(cni_plugins: Path, snapshotter: str) -> None:
    """Write every file anew, before the daemons that read them are started."""
    config = facts.config()
    for folder in (config / "cni", config / "registries" / facts.REGISTRY):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(config / "resolv.conf", "")  # pods resolve through the cluster's DNS only
    _write(config / "containerd.toml", containerd(cni_plugins, snapshotter))
    _write(config / "registries" / facts.REGISTRY / "hosts.toml", f'server = "http://{facts.REGISTRY}"\n')
    _write(config / "cni" / "10-slipway.conflist", json.dumps(cni()))
    _write(config / "kubelet.json", json.dumps(kubelet()))
    _write(config / "kube-proxy.json", json.dumps(kube_proxy()))
    _write(config / "Corefile", corefile())
    for client in pki.CLIENTS:
        files = {
            "client-certificate": str(facts.pki() / f"{client}.crt"),
            "client-key": str(facts.pki() / f"{client}.key"),
        }
        authority = {"certificate-authority": str(facts.pki() / "ca.crt")}
        _write(config / f"{client}.kubeconfig", json.dumps(kubeconfig(client, files, authority)))


def kubeconfig(
    user: str, credentials: Mapping[str, str], authority: Mapping[str, str], context: str = "local"
) -> dict[str, object]:
    """A kubeconfig with one context for one user."""
    cluster = facts.CLUSTER_NAME
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": facts.API_URL, **authority}}],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [{"name": context, "context": {"cluster": cluster, "user": user}}],
        "current-context": context,
    }


def containerd(cni_plugins: Path, snapshotter: str) -> str:
    """Our own containerd: root, state and socket of its own, plain HTTP to the local registry only."""
    home, config = facts.home(), facts.config()
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    unused = ["snapshotter.v1.btrfs", "snapshotter.v1.zfs", "snapshotter.v1.aufs", "snapshotter.v1.devmapper"]
    disabled = json.dumps([f"io.containerd.{name}" for name in unused])
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE (a container, some VMs) runc cannot lower oom_score_adj.
    # netns_mounts_under_state_dir: all mounts are then below one folder of ours, and stop finds them.
    return f"""\
version = 2
root = "{home}/containerd"
state = "{facts.containerd_state()}"
disabled_plugins = {disabled}
[grpc]
  address = "{facts.containerd_socket()}"
[{cri}]
  sandbox_image = "{facts.PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [{cri}.registry]
    config_path = "{config}/registries"
  [{cri}.cni]
    bin_dir = "{cni_plugins}"
    conf_dir = "{config}/cni"
  [{cri}.containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [{cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [{cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{home}/runc"
"""


def cni() -> dict[str, object]:
    """Point-to-point links: needs no kernel module but veth. Does not enforce NetworkPolicy; has no hostPort."""
    ipam = {
        "type": "host-local",
        "dataDir": str(facts.home() / "cni-addresses"),
        "ranges": [[{"subnet": facts.POD_CIDR}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": facts.CLUSTER_NAME,
        "plugins": [{"type": "ptp", "ipMasq": False, "mtu": 1500, "ipam": ipam}],
    }


def kubelet() -> dict[str, object]:
    """A KubeletConfiguration: works on cgroup v1 and v2, listens on the bridge, asks the apiserver who may call."""
    home, certificates = facts.home(), facts.pki()
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": facts.NODE_IP,
        "healthzBindAddress": "127.0.0.1",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",  # containerd 1.6 cannot tell its own, this is the fallback
        "cgroupRoot": f"/{facts.CLUSTER_NAME}",
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{facts.containerd_socket()}",
        "tlsCertFile": str(certificates / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(certificates / "kubelet-server.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certificates / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDomain": facts.DOMAIN,
        "clusterDNS": [facts.DNS_SERVICE_IP],
        "resolvConf": str(facts.config() / "resolv.conf"),
        "podLogsDir": str(home / "pod-logs"),
        "volumePluginDir": str(home / "kubelet" / "volume-plugins"),
        "serializeImagePulls": False,
        # A developer's disk may be fuller than a server's: evict only when nearly nothing is left.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 99,
        "imageGCLowThresholdPercent": 98,
    }


def kube_proxy() -> dict[str, object]:
    """A KubeProxyConfiguration: iptables mode, the only one that serves NodePorts on 127.0.0.1, and only there."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "bindAddress": "127.0.0.1",
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "hostnameOverride": facts.NODE_NAME,
        "clusterCIDR": facts.POD_CIDR,
        "nodePortAddresses": ["127.0.0.0/8"],
        "clientConnection": {"kubeconfig": str(facts.config() / "kube-proxy.kubeconfig")},
        # the machine's connection tracking stays as it is
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "iptables": {"minSyncPeriod": "0s", "localhostNodePorts": True},
    }


def corefile() -> str:
    """CoreDNS on the bridge. It answers for the cluster's names and refuses others: pods have no way out."""
    return f"""\
{facts.DOMAIN} in-addr.arpa {{
    bind {facts.NODE_IP}
    errors
    cache 30
    kubernetes {facts.DOMAIN} in-addr.arpa {{
        kubeconfig {facts.config()}/coredns.kubeconfig
        ttl 5
    }}
}}
"""


def write_user_kubeconfig() -> None:
    """Write the kubeconfig that people and tools use; keys are in it, so that it can be copied into a container."""
    encoded = {
        "client-certificate-data": _base64(facts.pki() / "admin.crt"),
        "client-key-data": _base64(facts.pki() / "admin.key"),
    }
    authority = {"certificate-authority-data": _base64(facts.pki() / "ca.crt")}
    content = kubeconfig(paths.KUBE_CONTEXT, encoded, authority, context=paths.KUBE_CONTEXT)
    _write(paths.KUBECONFIG, json.dumps(content, indent=2))


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _write(file: Path, text: str) -> None:
    """Replace `file` in one step, readable for its owner only."""
    new = file.with_name(file.name + ".new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.rename(file)
