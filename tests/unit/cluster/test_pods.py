"""How far the pods of a release are."""

from slipway.cluster.pods import stage


def pod(release: str, *conditions: str, running: bool = False) -> dict[str, object]:
    return {
        "metadata": {"labels": {"slipway.dev/release": release}},
        "status": {
            "conditions": [{"type": name, "status": "True"} for name in conditions],
            "containerStatuses": [{"state": {"running": {}} if running else {"waiting": {}}}],
        },
    }


def test_without_pods_they_are_waited_for() -> None:
    assert stage([], "new") == "waiting for its pods"


def test_pods_of_the_old_release_do_not_count() -> None:
    assert stage([pod("old", "PodScheduled", "Ready", running=True)], "new") == "waiting for its pods"


def test_each_step_has_its_word() -> None:
    assert stage([pod("new")], "new") == "waiting for a node"
    assert stage([pod("new", "PodScheduled")], "new") == "pulling the image"
    assert stage([pod("new", "PodScheduled", running=True)], "new") == "loading the model"
    assert stage([pod("new", "PodScheduled", "Ready", running=True)], "new") == "ready"


def test_of_several_pods_the_one_behind_counts() -> None:
    pods = [pod("new", "PodScheduled", "Ready", running=True), pod("new", "PodScheduled")]
    assert stage(pods, "new") == "pulling the image (1 of 2 ready)"


def test_a_pod_that_nobody_has_reported_on_yet_waits_for_a_node() -> None:
    assert stage([{"metadata": {"labels": {"slipway.dev/release": "new"}}}], "new") == "waiting for a node"
