"""The pure parts of the local cluster: packet rules, ports, images, certificates, command lines."""

import hashlib
import io
import json
import os
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from slipway.local.build.golang import Go
from slipway.local.cluster import (
    build,
    cgroups,
    components,
    configs,
    facts,
    images,
    network,
    objects,
    pki,
    ports,
    probes,
    runtime,
)
from slipway.local.cluster.components import Socket
from slipway.local.host import paths
from slipway.local.host.errors import LocalError

_SAVED = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:KUBE-FORWARD - [0:0]
:SLIPWAY-FORWARD - [0:0]
-A FORWARD -j SLIPWAY-FORWARD
-A FORWARD -m comment --comment "kubernetes forwarding -j DOCKER" -j KUBE-FORWARD
-A FORWARD -j DOCKER
-A DOCKER -s 172.17.0.0/16 -j ACCEPT
-A KUBE-FORWARD -j ACCEPT
-A SLIPWAY-FORWARD -s 10.244.0.0/16 -d 10.244.0.0/16 -j ACCEPT
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -j NOTRACK
COMMIT
"""


def test_removal_takes_our_chains_and_the_jumps_to_them_and_nothing_else() -> None:
    assert network.removal(_SAVED).splitlines() == [
        "*filter",
        ":KUBE-FORWARD - [0:0]",
        ":SLIPWAY-FORWARD - [0:0]",
        "-D FORWARD -j SLIPWAY-FORWARD",
        '-D FORWARD -m comment --comment "kubernetes forwarding -j DOCKER" -j KUBE-FORWARD',
        "-X KUBE-FORWARD",
        "-X SLIPWAY-FORWARD",
        "COMMIT",
    ]


def test_removal_is_empty_when_nothing_is_ours() -> None:
    assert network.removal("*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\nCOMMIT\n") == ""


def test_the_jump_to_our_chain_is_added_once() -> None:
    assert "-I FORWARD 1 -j SLIPWAY-FORWARD" in network.rules("", forwarded_before=True)
    present = network.rules(_SAVED, forwarded_before=True)
    assert "-I FORWARD" not in present
    assert "-I PREROUTING 1 -j SLIPWAY-PREROUTING" in present


_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:2710 0100007F:1389 01 00000000:00000000 00:00000000 00000000     0        0 333 1
"""


def test_listening_sockets_are_read_and_connected_ones_are_not() -> None:
    found = ports.parse(_TCP, "tcp", "0A")
    assert [(entry.socket, entry.inode) for entry in found] == [
        (Socket("tcp", "127.0.0.1", 5001), "111"),
        (Socket("tcp", "0.0.0.0", 80), "222"),
    ]


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Socket("tcp", "127.0.0.1", 5001), True),
        (Socket("tcp", "10.244.255.1", 5001), False),
        (Socket("tcp", "10.244.255.1", 80), True),
        (Socket("udp", "127.0.0.1", 5001), False),
    ],
)
def test_a_port_is_taken_by_the_same_or_the_any_address_of_the_same_protocol(wanted: Socket, taken: bool) -> None:
    assert (ports.holder(ports.parse(_TCP, "tcp", "0A"), wanted) is not None) is taken


def test_the_process_that_really_holds_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wanted = Socket("tcp", "127.0.0.1", server.getsockname()[1])
        held_by = ports.holder(ports.listening(), wanted)
    assert held_by is not None
    assert held_by.startswith(f"process {os.getpid()} (")
    assert ports.holder(ports.listening(), wanted) is None


def test_pods_are_put_into_v1_hierarchies_where_there_are_any_and_else_into_v2() -> None:
    hybrid = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
    assert cgroups.controlling(hybrid) == [Path("/sys/fs/cgroup/cpu")]
    assert cgroups.hierarchies(hybrid) == [Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/unified")]
    assert cgroups.controlling("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n") == [Path("/sys/fs/cgroup")]


def _image(tmp_path: Path, content: bytes) -> images.Image:
    program = tmp_path / "program"
    program.write_bytes(content)
    return images.build({PurePosixPath("/usr/bin/program"): program}, entrypoint=["/usr/bin/program"])


def test_an_image_of_the_same_files_has_the_same_digest_and_of_others_another(tmp_path: Path) -> None:
    first = _image(tmp_path, b"one")
    (tmp_path / "program").touch()
    assert _image(tmp_path, b"one").digest == first.digest
    assert _image(tmp_path, b"two").digest != first.digest


def test_an_image_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    image = _image(tmp_path, b"one")
    images.save(image, tmp_path / "kept")
    assert images.load(tmp_path / "kept") == image


def test_an_archive_holds_every_blob_under_its_digest_and_runs_as_nobody(tmp_path: Path) -> None:
    images.archive(_image(tmp_path, b"one"), "name:1", tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as archive:
        contents = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    for name, data in contents.items():
        if name.startswith("blobs/"):
            assert name.rpartition("/")[2] == hashlib.sha256(data).hexdigest()
    index = json.loads(contents["index.json"])["manifests"][0]
    assert index["annotations"] == {"io.containerd.image.name": "name:1"}
    manifest = json.loads(contents["blobs/sha256/" + index["digest"].removeprefix("sha256:")])
    config = json.loads(contents["blobs/sha256/" + manifest["config"]["digest"].removeprefix("sha256:")])
    assert config["config"]["User"] == "65535:65535"
    layer = contents["blobs/sha256/" + manifest["layers"][0]["digest"].removeprefix("sha256:")]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        assert files.getnames() == ["usr", "usr/bin", "usr/bin/program"]


def test_only_the_person_is_in_the_group_of_masters() -> None:
    masters = {name for name, (_, groups) in pki.CLIENTS.items() if "system:masters" in groups}
    assert masters == {"admin"}


def test_every_user_of_our_own_gets_rights_and_no_right_is_a_wildcard() -> None:
    granted = {
        subject["name"]
        for item in objects.rights()
        for subject in item.get("subjects", [])  # type: ignore[attr-defined]
    }
    assert granted == {user for user, _ in pki.CLIENTS.values() if user.startswith("slipway:")}
    assert '"*"' not in json.dumps(objects.rights())
    assert "cluster-admin" not in json.dumps(objects.rights())


def test_etcd_is_served_by_another_authority_than_the_api() -> None:
    by_name = {request.name: request for request in pki.requests()}
    assert by_name["etcd"].ca == by_name["apiserver-etcd"].ca == "etcd-ca"
    assert {by_name[name].ca for name in pki.CLIENTS} == {"ca"}


def test_every_component_listens_on_loopback_or_on_the_bridge_only() -> None:
    parts = components.of_node_program(Path("/node"), Path("/stages"))
    assert tuple(parts) == components.NODE_COMPONENTS
    assert {where.address for part in parts.values() for where in part.listens} == {"127.0.0.1", facts.NODE_IP}
    assert configs.kube_proxy()["nodePortAddresses"] == ["127.0.0.0/8"]


def test_a_ready_condition_from_before_a_restart_does_not_count() -> None:
    class Answers:
        def get(self, path: str) -> dict[str, object]:
            if "leases" in path:
                return {"spec": {"renewTime": "2026-01-01T10:00:00.000000Z"}}
            ready = {"type": "Ready", "status": "True"}
            metadata = {"creationTimestamp": "2026-01-01T09:00:00Z"}
            return {"metadata": metadata, "status": {"conditions": [ready]}}

    api = Answers()
    before, after = datetime(2026, 1, 1, 9, 59, tzinfo=UTC), datetime(2026, 1, 1, 10, 1, tzinfo=UTC)
    assert probes.node_is_ready(api)  # type: ignore[arg-type]
    assert probes.node_is_ready(api, before)  # type: ignore[arg-type]
    assert not probes.node_is_ready(api, after)  # type: ignore[arg-type]


def test_packet_rules_are_accepted_by_iptables() -> None:
    check, rules = ["iptables-restore", "--test", "--noflush"], network.rules("", forwarded_before=False)
    try:
        done = subprocess.run(check, input=rules, text=True, capture_output=True, timeout=20, check=False)
    except FileNotFoundError:
        pytest.skip("no iptables on this machine")
    if "Permission denied" in done.stderr:
        pytest.skip("iptables needs root")
    assert done.returncode == 0, done.stderr


def test_every_configuration_file_of_a_daemon_is_one_whose_change_starts_it_again() -> None:
    config = facts.config()
    parts = components.of_node_program(Path("/node"), Path("/stages"))
    files = {name: {path.relative_to(config).name for path in part.files} for name, part in parts.items()}
    assert files["kubelet"] == {"kubelet.json", "kubelet.kubeconfig"}
    assert files["kube-proxy"] == {"kube-proxy.json"}
    assert files["coredns"] == {"Corefile"}
    assert files["kube-scheduler"] == {"kube-scheduler.kubeconfig"}
    assert files["etcd"] == set()
    assert components.containerd(Path("/containerd")).files == (config / "containerd.toml",)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cluster's folder that is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="s") as folder:
        monkeypatch.setattr(paths, "STATE_CLUSTER", Path(folder))
        yield Path(folder)


def test_a_socket_of_a_killed_shim_is_removed_and_one_that_is_listened_on_or_is_no_shim_of_ours_stays(
    state: Path,
) -> None:
    links = {name: socket.socket(socket.AF_UNIX) for name in ("dead", "live", "other")}
    for name, link in links.items():
        link.bind(str(state / name))
        if name == "live":
            link.listen()
        else:
            link.close()
        if name != "other":
            bundle = state / "containerd-state" / "io.containerd.runtime.v2.task" / "k8s.io" / name
            bundle.mkdir(parents=True)
            (bundle / "address").write_text(f"unix://{state / name}")
    runtime.remove_dead_sockets()
    assert {path.name for path in state.iterdir() if path.is_socket()} == {"live", "other"}
    links["live"].close()


def test_keys_that_are_not_made_in_time_are_told_without_a_traceback(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = state / "node"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(pki, "_LIMIT_S", 0.2)
    with pytest.raises(LocalError, match=rf"making the cluster's keys in {state}/pki: .* no answer within 0\.2 s"):
        pki.ensure(program)


def test_a_build_of_the_node_program_that_fails_names_its_log_and_quotes_the_compiler(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = state / "go"
    go.write_text("#!/bin/sh\n[ $1 = list ] && exit 0\necho './main.go:1:1: expected package' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setattr(paths, "STATE_LOG", state / "log")
    with pytest.raises(LocalError, match=rf"(?s)exit code 1.*{state}/log/build-node\.log.*main\.go:1:1: expected"):
        build.build(Go(go, "go1"), state / "out", lambda _: None)
