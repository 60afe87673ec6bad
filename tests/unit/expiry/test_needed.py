"""What runs, what is recorded and what the history can go back to is needed (on a fake cluster)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from slipway.deploy.record import save
from slipway.errors.failures import RecordRefused
from slipway.expiry.needed import needed_images
from slipway.history.entry import Entry, Verdict, Who, new_id
from tests.support.fake_cluster import FakeCluster
from tests.support.releases import IMAGE_DIGEST, deployed, planned, release_of

LEAST = planned()


def entry(number: int, image: str | None = None, verdict: Verdict = "passed", *, packed: bool = True) -> Entry:
    now = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=number)
    return Entry(
        schema=1,
        id=new_id(now),
        time=now,
        environment="local",
        model="least",
        action="deploy",
        verdict=verdict,
        release=f"{number:064x}",
        image=f"registry.example.com/least@sha256:{image or number}",
        who=Who(user="anna", host="here"),
        slipway="0.2.0",
        packed={"release.json.gz": ""} if packed else None,
    )


def test_images_of_pods_and_deployments_are_needed_also_a_candidates() -> None:
    cluster = FakeCluster()
    for kind, name in (("Deployment", "least"), ("Deployment", "least-candidate"), ("Pod", "least-1")):
        pod = {
            "containers": [{"image": f"here/least@sha256:{name}"}],
            "initContainers": [{"image": "here/init@sha256:i"}],
        }
        spec = pod if kind == "Pod" else {"template": {"spec": pod}}
        cluster._put({"kind": kind, "metadata": {"name": name}, "spec": spec})
    found = needed_images(cluster, "least", [], 5)
    assert {"sha256:least", "sha256:least-candidate", "sha256:least-1", "sha256:i"} <= found


def test_the_recorded_image_is_needed_while_another_is_deployed() -> None:
    cluster = deployed(LEAST)
    save(cluster, release_of(LEAST), cluster.objects["Deployment", "least"])
    cluster.objects["Deployment", "least"]["spec"]["template"]["spec"]["containers"][0]["image"] = "here/x@sha256:new"
    assert needed_images(cluster, "least", [], 5) == {IMAGE_DIGEST, "sha256:new"}


def test_without_a_readable_record_nobody_knows_what_is_needed() -> None:
    cluster = deployed(LEAST)
    save(cluster, release_of(LEAST), cluster.objects["Deployment", "least"])
    cluster.objects["ConfigMap", "least-verified"]["binaryData"] = {}
    with pytest.raises(RecordRefused):
        needed_images(cluster, "least", [], 5)


def test_the_history_keeps_the_newest_images_that_were_judged_right() -> None:
    newest_first = [
        entry(9),
        entry(8, verdict="failed"),
        entry(7, image="9"),
        entry(6, packed=False),
        entry(5),
        entry(4),
    ]
    assert needed_images(FakeCluster(), "least", newest_first, 2) == {"sha256:9", "sha256:5"}


def test_no_more_entries_are_read_than_are_needed() -> None:
    def entries() -> Iterator[Entry]:
        yield entry(9)
        raise AssertionError("it was read on")

    assert needed_images(FakeCluster(), "least", entries(), 1) == {"sha256:9"}
