"""A device with Kubernetes: what its agent makes of a namespace, with the rights of its Role and no more."""

import random
from pathlib import Path

import pytest
import yaml
from cluster_room import NAMESPACE, ClusterDevice, version
from devices_room import LosingDisk, PowerCut
from slipway_edge.__main__ import main
from slipway_edge.cluster.api import connected
from slipway_edge.cluster.role import role
from slipway_edge.values.errors import Away, EdgeError
from slipway_edge.values.objects import KINDS


def new_device() -> ClusterDevice:
    return ClusterDevice(LosingDisk(random.Random(0)))


@pytest.fixture
def device() -> ClusterDevice:
    made = new_device()
    assert made.apply(version("1.0.0")) == ("good", "")
    return made


def test_a_version_has_objects_of_its_own_and_callers_one_service(device: ClusterDevice) -> None:
    assert device.cluster.callers_get() == "1.0.0"
    assert device.cluster.names("Service") == ["digits", "digits-100"]
    assert all(device.cluster.names(kind) == ["digits-100"] for kind in KINDS if kind != "Service")
    deployment = device.cluster.objects["Deployment", "digits-100"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == version("1.0.0").image


def test_a_right_version_gets_the_service_and_the_old_one_goes(device: ClusterDevice) -> None:
    assert device.apply(version("1.1.0")) == ("good", "")
    assert device.cluster.callers_get() == "1.1.0"
    device.apply(version("1.1.0"))
    assert all("digits-100" not in device.cluster.names(kind) for kind in KINDS)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("wrong", "golden request: wrong answer: output `label` is 3, expected 7"),
        ("crash", "it ended by itself: Error, exit code 1"),
        ("silent", "no right answer within 20 s; the last: no answer within 10 s"),
        ("refused", "the cluster refused to start it: CreateContainerError: exec format error"),
        ("forbidden", 'the cluster makes no pod: pods digits-110- is forbidden: violates PodSecurity "restricted'),
    ],
)
def test_a_bad_version_never_gets_the_service_and_leaves_nothing(device: ClusterDevice, does: str, reason: str) -> None:
    before = device.cluster.objects["Deployment", "digits-100"]
    device.cluster.behaves["1.1.0"] = does
    state, said = device.apply(version("1.1.0"))
    assert state == "returned"
    assert said.startswith(reason)
    assert device.cluster.callers_get() == "1.0.0"
    assert device.cluster.objects["Deployment", "digits-100"] is before
    device.apply(version("1.1.0"))
    assert all("digits-110" not in device.cluster.names(kind) for kind in [*KINDS, "Pod"])


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("away", "pull: no route to host"),
        ("full", "no node takes it: 0/1 nodes are available: 1 Insufficient memory."),
        ("quota", "exceeded quota"),
    ],
)
def test_what_may_pass_is_waited_for_and_nothing_is_concluded(device: ClusterDevice, does: str, reason: str) -> None:
    device.cluster.behaves["1.1.0"] = does
    state, said = device.apply(version("1.1.0"))
    assert state == "pulling"
    assert reason in said
    assert device.cluster.callers_get() == "1.0.0"
    device.cluster.behaves.clear()
    assert device.apply(version("1.1.0")) == ("good", "")


def test_a_server_that_does_not_answer_concludes_nothing(device: ClusterDevice) -> None:
    device.cluster.up = False
    with pytest.raises(Away, match=r"API server at https://cluster\.example: ProtocolError"):
        device.apply(version("1.1.0"))
    device.roller.watch()
    device.cluster.up = True
    assert device.cluster.callers_get() == "1.0.0"
    assert device.apply(version("1.1.0")) == ("good", "")


def test_rights_that_lack_are_named_and_nothing_is_concluded(device: ClusterDevice) -> None:
    rules, device.cluster.rules = device.cluster.rules, device.cluster.rules[:-1]
    state, said = device.apply(version("1.1.0"))
    assert (state, device.cluster.callers_get()) == ("checking", "1.0.0")
    assert 'cannot create resource "pods/proxy"' in said
    device.cluster.rules = [rule for rule in rules if "configmaps" not in rule["resources"]]
    with pytest.raises(Away, match="next: give it the rights that slipway-edge role prints"):
        device.apply(version("1.1.0"))
    device.cluster.rules = rules
    assert device.apply(version("1.1.0")) == ("good", "")


def test_the_role_has_what_is_used_and_no_more(device: ClusterDevice) -> None:
    device.cluster.behaves["1.1.0"] = "wrong"
    device.apply(version("1.1.0"))
    device.cluster.behaves["1.0.0"] = "crash"
    device.roller.watch()
    device.roller.apply([], lambda: None)
    device.roller.apply([], lambda: None)
    given = {(verb, of) for rule in device.cluster.rules for verb in rule["verbs"] for of in rule["resources"]}
    assert device.cluster.used == given


def test_what_is_somebody_elses_is_not_touched(device: ClusterDevice) -> None:
    fresh = new_device()
    theirs = {"metadata": {"name": "digits", "labels": {"app": "theirs"}}, "spec": {"selector": {"app": "theirs"}}}
    fresh.cluster.objects["Service", "digits"] = theirs
    state, said = fresh.apply(version("1.0.0"))
    assert state == "checking"
    assert said == "Service digits is there and not this agent's; next: remove or rename it"
    fresh.roller.apply([], lambda: None)
    fresh.roller.apply([], lambda: None)
    assert fresh.cluster.objects == {("Service", "digits"): theirs}


def test_a_document_for_a_docker_engine_says_what_its_class_lacks() -> None:
    state, said = new_device().apply(version("1.0.0").model_copy(update={"objects": None}))
    assert state == "failed"
    assert "runs_on: kubernetes" in said


def test_weights_outside_of_the_image_are_refused_in_words() -> None:
    device = new_device()
    weights = {"folder": "/model", "files": [device.source.put(b"weights").model_dump()]}
    state, said = device.apply(version("1.0.0", weights=weights))
    assert state == "failed"
    assert "weights outside of the image" in said


def test_two_versions_under_one_name_are_refused_before_anything_changes(device: ClusterDevice) -> None:
    other = version("1.0.0", priority=1)
    assert device.apply(other) == ("returned", "ServiceAccount digits-100 is another version's")
    assert device.cluster.callers_get() == "1.0.0"


def test_a_pod_that_stays_down_is_replaced_and_then_the_version_before_is_back(device: ClusterDevice) -> None:
    device.apply(version("1.1.0"))
    pods = device.cluster.names("Pod")
    device.cluster.behaves["1.1.0"] = "crash"
    for _ in range(3):
        device.roller.watch()
    assert device.cluster.names("Pod") != pods
    assert device.cluster.callers_get() == "1.0.0"
    assert device.apply(version("1.1.0")) == ("returned", "it ended by itself: Error, exit code 1")


def test_a_pod_that_kubernetes_replaced_is_still_the_version(device: ClusterDevice) -> None:
    (pod,) = device.cluster.names("Pod")
    del device.cluster.objects["Pod", pod]
    device.roller.watch()
    assert device.roller.serving["digits"].answers[-1].right
    assert device.roller.serving["digits"].mended == 0


def test_the_agent_may_die_at_any_request_and_callers_keep_a_right_version() -> None:
    asked = 0
    whole = new_device()
    whole.apply(version("1.0.0"))
    asked = -whole.cluster.asked
    whole.apply(version("1.1.0"))
    asked += whole.cluster.asked
    for at in range(1, asked + 1):
        device = new_device()
        device.apply(version("1.0.0"))
        device.cluster.cut_at = device.cluster.asked + at
        with pytest.raises(PowerCut):
            device.apply(version("1.1.0"))
        assert device.cluster.callers_get() in ("1.0.0", "1.1.0")
        device.cluster.cut_at = None
        device.disk.power_back()
        device.boot()
        device.roller.resume()
        assert device.cluster.callers_get() in ("1.0.0", "1.1.0")
        assert device.apply(version("1.1.0")) == ("good", "")
        device.apply(version("1.1.0"))
        assert device.cluster.callers_get() == "1.1.0"
        assert all("digits-100" not in device.cluster.names(kind) for kind in KINDS)


def test_nothing_is_left_of_a_model_that_is_dropped(device: ClusterDevice) -> None:
    device.roller.apply([], lambda: None)
    assert device.cluster.callers_get() is None
    device.roller.apply([], lambda: None)
    assert device.cluster.objects == {}


KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "here",
    "clusters": [{"name": "here", "cluster": {"server": "https://cluster.example:6443"}}],
    "users": [{"name": "agent", "user": {"token": "t"}}],
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "agent"}}],
}
CLUSTER = KUBECONFIG["clusters"][0]["cluster"]


@pytest.mark.parametrize(
    ("changed", "mode", "says"),
    [
        ({}, 0o644, "has mode 644; allowed: 600"),
        ({"current-context": "other"}, 0o600, "is no kubeconfig with a current context"),
        ({"contexts": None}, 0o600, "is no kubeconfig with a current context"),
        ({"clusters": [{"name": "here", "cluster": {"server": "http://cluster.example"}}]}, 0o600, "allowed: https"),
        (
            {"clusters": [{"name": "here", "cluster": CLUSTER | {"insecure-skip-tls-verify": True}}]},
            0o600,
            "insecure-skip-tls-verify; allowed: certificate-authority",
        ),
    ],
)
def test_a_kubeconfig_that_would_trust_anybody_is_refused(
    tmp_path: Path, changed: dict[str, object], mode: int, says: str
) -> None:
    path = tmp_path / "kubeconfig"
    path.touch(mode)
    path.write_text(yaml.safe_dump(KUBECONFIG | changed))
    with pytest.raises(EdgeError, match=says):
        connected(path, NAMESPACE)
    connected_to = tmp_path / "right"
    connected_to.touch(0o600)
    connected_to.write_text(yaml.safe_dump(KUBECONFIG))
    connected(connected_to, NAMESPACE)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["run", "--namespace", "models"], "next: give --kubeconfig too"),
        (["run", "--kubeconfig", "k", "--docker", "unix:///d"], "next: leave them out, or --kubeconfig"),
        (["run", "--kubeconfig", "k", "--namespace", "A"], "--namespace is 'A'; allowed: small letters"),
        (["role", "--namespace", "a\nb"], "allowed: small letters"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 1
    assert says in capsys.readouterr().err


def test_the_role_is_printed_for_the_namespace_and_no_secret_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["role", "--namespace", "models"]) == 0
    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    assert printed == list(yaml.safe_load_all(role("models")))
    assert [one["kind"] for one in printed] == ["Namespace", "ServiceAccount", "Secret", "Role", "RoleBinding"]
    secret = next(one for one in printed if one["kind"] == "Secret")
    assert not {"data", "stringData"} & set(secret)
    assert printed[0]["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert all(one["metadata"]["namespace"] == "models" for one in printed[1:])
