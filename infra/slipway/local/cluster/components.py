"""Say how each component is called and where it listens. Pure: arguments in, command lines out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slipway.local.cluster import facts

NODE_COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kubelet",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "coredns",
    "metrics-server",
    "kwok",
)


@dataclass(frozen=True)
class Socket:
    """An address and port a component listens on."""

    protocol: Literal["tcp", "udp"]
    address: str
    port: int


@dataclass(frozen=True)
class Component:
    """A daemon of the cluster."""

    name: str
    argv: tuple[str, ...]
    listens: tuple[Socket, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The configuration files that its arguments name; it is started again when one of them has changed."""
        named = (Path(argument.rpartition("=")[2]) for argument in self.argv[1:])
        return tuple(path for path in named if path.is_relative_to(facts.config()))


def _tcp(address: str, *ports: int) -> tuple[Socket, ...]:
    return tuple(Socket("tcp", address, port) for port in ports)


def _loopback(*ports: int) -> tuple[Socket, ...]:
    return _tcp("127.0.0.1", *ports)


def _pair(cert: str, key: str, name: str) -> list[str]:
    """Two options that name a certificate and its key."""
    return [f"--{cert}={facts.pki()}/{name}.crt", f"--{key}={facts.pki()}/{name}.key"]


def _kubeconfigs(name: str) -> list[str]:
    """The options of a component that serves an API itself and asks the apiserver who is calling."""
    file = facts.config() / f"{name}.kubeconfig"
    return [f"--{kind}kubeconfig={file}" for kind in ("", "authentication-", "authorization-")]


def containerd(program: Path) -> Component:
    """The container runtime, of the machine's packages."""
    return Component("containerd", (str(program), "-c", f"{facts.config()}/containerd.toml"), ())


def of_node_program(program: Path, stages: Path) -> dict[str, Component]:
    """Every component of the node program by name: NODE_COMPONENTS."""
    arguments = {
        "etcd": (_etcd(), _loopback(12379, 12380)),
        "kube-apiserver": (_apiserver(), _tcp(facts.NODE_IP, facts.API_PORT)),
        "kubelet": (_kubelet(), (*_tcp(facts.NODE_IP, 10250), *_loopback(10248))),
        "kube-controller-manager": (_controller_manager(), _loopback(10257)),
        "kube-scheduler": (_scheduler(), _loopback(10259)),
        "kube-proxy": ([f"--config={facts.config()}/kube-proxy.json"], _loopback(10249, 10256)),
        "coredns": (
            [f"-conf={facts.config()}/Corefile"],
            (Socket("udp", facts.NODE_IP, 53), *_tcp(facts.NODE_IP, 53)),
        ),
        "metrics-server": (_metrics_server(), _tcp(facts.NODE_IP, facts.METRICS_PORT)),
        "kwok": (_kwok(stages), ()),
    }
    return {
        name: Component(name, (str(program), name, *options), listens) for name, (options, listens) in arguments.items()
    }


def _etcd() -> list[str]:
    return [
        f"--data-dir={facts.home()}/etcd",
        # State that `up` makes again is not worth a disk flush per write; only a power cut can damage it.
        "--unsafe-no-fsync",
        f"--listen-client-urls={facts.ETCD_CLIENT_URL}",
        f"--advertise-client-urls={facts.ETCD_CLIENT_URL}",
        f"--listen-peer-urls={facts.ETCD_PEER_URL}",
        f"--initial-advertise-peer-urls={facts.ETCD_PEER_URL}",
        f"--initial-cluster=default={facts.ETCD_PEER_URL}",
        *_pair("cert-file", "key-file", "etcd"),
        *_pair("peer-cert-file", "peer-key-file", "etcd"),
        f"--trusted-ca-file={facts.pki()}/etcd-ca.crt",
        f"--peer-trusted-ca-file={facts.pki()}/etcd-ca.crt",
        "--client-cert-auth",
        "--peer-client-cert-auth",
        "--log-level=warn",
    ]


def _apiserver() -> list[str]:
    certificates = facts.pki()
    return [
        f"--etcd-servers={facts.ETCD_CLIENT_URL}",
        f"--etcd-cafile={certificates}/etcd-ca.crt",
        *_pair("etcd-certfile", "etcd-keyfile", "apiserver-etcd"),
        f"--bind-address={facts.NODE_IP}",
        f"--advertise-address={facts.NODE_IP}",
        f"--secure-port={facts.API_PORT}",
        f"--service-cluster-ip-range={facts.SERVICE_CIDR}",
        *_pair("tls-cert-file", "tls-private-key-file", "apiserver"),
        f"--client-ca-file={certificates}/ca.crt",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-account-issuer=https://kubernetes.default.svc.{facts.DOMAIN}",
        f"--service-account-key-file={certificates}/service-account.pub",
        f"--service-account-signing-key-file={certificates}/service-account.key",
        *_pair("kubelet-client-certificate", "kubelet-client-key", "apiserver-kubelet"),
        f"--kubelet-certificate-authority={certificates}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={certificates}/front-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        *_pair("proxy-client-cert-file", "proxy-client-key-file", "front-proxy"),
        "--enable-aggregator-routing",  # metrics-server is a process on the host: no pod network to go through
    ]


def _kubelet() -> list[str]:
    return [
        f"--config={facts.config()}/kubelet.json",
        f"--kubeconfig={facts.config()}/kubelet.kubeconfig",
        f"--root-dir={facts.home()}/kubelet",
        f"--cert-dir={facts.home()}/kubelet/pki",
        f"--hostname-override={facts.NODE_NAME}",
        f"--node-ip={facts.NODE_IP}",
    ]


def _controller_manager() -> list[str]:
    return [
        *_kubeconfigs("kube-controller-manager"),
        "--bind-address=127.0.0.1",
        "--leader-elect=false",  # there is one, and a lease is a write every two seconds
        "--use-service-account-credentials",
        # Else a node that could not report for 50 s, as while the API server was away, is taken for lost when that is
        # back, and its pods, which never stopped serving, get no request until it has reported.
        "--node-monitor-grace-period=1h",
        # Its forty controllers each ask for a token when they start; at the default of 20/s that takes 4 s.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--service-account-private-key-file={facts.pki()}/service-account.key",
        f"--root-ca-file={facts.pki()}/ca.crt",
        *_pair("cluster-signing-cert-file", "cluster-signing-key-file", "ca"),
    ]


def _scheduler() -> list[str]:
    return [*_kubeconfigs("kube-scheduler"), "--bind-address=127.0.0.1", "--leader-elect=false"]


def _metrics_server() -> list[str]:
    return [
        *_kubeconfigs("metrics-server"),
        f"--bind-address={facts.NODE_IP}",
        f"--secure-port={facts.METRICS_PORT}",
        *_pair("tls-cert-file", "tls-private-key-file", "metrics-server-server"),
        f"--kubelet-certificate-authority={facts.pki()}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        # the shortest it takes, and longer than the time a kubelet has to answer
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",
        f"--node-selector=kubernetes.io/hostname={facts.NODE_NAME}",  # a fake node has no kubelet to ask
    ]


def _kwok(stages: Path) -> list[str]:
    first = facts.FAKE_POD_CIDR.replace(".0/", ".1/")
    return [
        f"--config={stages}",
        f"--kubeconfig={facts.config()}/kwok.kubeconfig",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
        f"--cidr={first}",
    ]
