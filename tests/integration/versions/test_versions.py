"""Versions of a model on a real cluster, engine and registry: noted, gone back to without a build, restarted."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from slipway.deploy.record import live_models
from slipway.values.names import RESTARTED_ANNOTATION
from tests.support.looking import until
from tests.support.workbench import Load, Workbench, post

pytestmark = pytest.mark.integration

ONES = {"inputs": {"a": [[1, 1, 1]], "b": [[0, 0, 0]]}}


def history(bench: Workbench, *arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(bench.well("history", bench.environment, "sums", "--json", *arguments))["entries"])


def pods(bench: Workbench) -> set[str]:
    found = bench.cluster.list("Pod", "app.kubernetes.io/name=sums")
    return {pod["metadata"]["name"] for pod in found if not pod["metadata"].get("deletionTimestamp")}


def images(bench: Workbench) -> set[str]:
    """What the pods of the model run, but for those that stop."""
    found = bench.cluster.list("Pod", "app.kubernetes.io/name=sums")
    there = [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]
    return {pod["spec"]["containers"][0]["image"] for pod in there}


def answers(bench: Workbench, value: float) -> None:
    """Wait until one release answers: the node's proxy may know stopping pods of another for a while."""
    wanted = {"y": [[value] * 3]}
    until(f"sums answers {value}", lambda: post(bench.port("sums"), ONES)["outputs"] == wanted, 60)


def test_a_release_is_gone_back_to_without_a_build_and_stays_until_it_is_asked_for_again(bench: Workbench) -> None:
    for number, factor in enumerate((2.0, 3.0, 4.0)):
        bench.write("sums", factor, version=f"1.{number}.0")
        assert bench.up().returncode == 0
    noted = history(bench)
    assert [(one["version"], one["action"], one["verdict"]) for one in noted] == [
        ("1.2.0", "deploy", "passed"),
        ("1.1.0", "deploy", "passed"),
        ("1.0.0", "deploy", "passed"),
    ]
    assert [one["live"] for one in noted] == [True, False, False]
    back = bench.run("rollback", bench.environment, "sums", "--to", "1.0.0", "--reason", "too large sums", "--yes")
    assert back.returncode == 0, back.stderr
    assert "1.0.0, release" in back.stdout and "serves again" in back.stdout
    answers(bench, 2.0)
    # Nothing was built: the very image of that time runs again.
    assert "building" not in back.stderr
    newest = history(bench)[0]
    assert newest["image"] == noted[2]["image"] != noted[0]["image"]
    assert images(bench) == {noted[2]["image"]}
    assert (newest["version"], newest["action"], newest["source"], newest["reason"]) == (
        "1.0.0",
        "rollback",
        noted[2]["id"],
        "too large sums",
    )

    held = bench.up()
    assert held.returncode == 0, held.stderr
    assert "0 of 1 models to deploy" in held.stderr
    assert "rolled it back on" in held.stderr and "too large sums" in held.stderr and "--again" in held.stderr
    status = bench.well("status", bench.environment)
    assert "its spec's release was rolled back" in status and "too large sums" in status
    answers(bench, 2.0)

    again = bench.run("rollback", bench.environment, "sums", "--yes")
    assert again.returncode == 1
    assert "nothing was judged right before it" in again.stderr

    once_more = bench.up("sums", "--again")
    assert once_more.returncode == 0, once_more.stderr
    answers(bench, 4.0)
    assert bench.objects() == bench.wanted()


def test_a_restart_replaces_every_pod_and_loses_no_call_and_an_up_afterwards_finds_nothing_to_do(
    bench: Workbench,
) -> None:
    bench.write("sums", scale={"min": 2, "max": 2})
    assert bench.up().returncode == 0
    before = pods(bench)
    with Load(bench.port("sums")) as load:
        done = bench.run("restart", bench.environment, "sums", "--yes")
    assert done.returncode == 0, done.stderr
    assert load.lost == []
    assert set(load.answers) == {2.0}
    after = pods(bench)
    assert len(after) == 2 and not before & after
    nothing = bench.up()
    assert "0 of 1 models to deploy" in nothing.stderr, nothing.stderr
    # The engine looks at everything and takes nothing away: who set it, keeps it.
    looked = bench.up("--refresh")
    assert looked.returncode == 0, looked.stderr
    assert pods(bench) == after
    deployment = bench.cluster.read("Deployment", "sums")
    assert deployment is not None
    assert RESTARTED_ANNOTATION in deployment["spec"]["template"]["metadata"]["annotations"]
    assert [one["action"] for one in history(bench)][-2:] == ["restart", "deploy"]


def test_a_history_that_cannot_be_written_fails_no_update_and_one_that_cannot_be_read_is_named(
    bench: Workbench, tmp_path: Path
) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    (entry,) = history(bench)
    backend = Path({**os.environ, **bench.environ}["PULUMI_BACKEND_URL"].removeprefix("file://"))
    folder = backend / "slipway-history" / bench.environment / "sums"
    (folder / f"{entry['id']}.json").write_text("{")
    folder.rename(folder.with_name("kept"))
    folder.write_text("a file where the folder was")
    try:
        bench.write("sums", 3.0, version="1.1.0")
        done = bench.up()
        assert done.returncode == 0, done.stderr
        assert "the history was not written" in done.stderr
        answers(bench, 3.0)
    finally:
        folder.unlink()
        folder.with_name("kept").rename(folder)
    shown = bench.run("history", bench.environment, "sums")
    assert shown.returncode == 3
    assert f"{entry['id']}.json: the history cannot be read" in shown.stderr


def test_a_version_that_served_is_refused_for_other_weights_and_nothing_is_changed(bench: Workbench) -> None:
    bench.write("sums", 2.0, version="1.0.0")
    bench.well("up", bench.environment, "--yes")
    before = live_models(bench.cluster)["sums"].release
    bench.write("sums", 3.0, version="1.0.0")
    refused = bench.up()
    assert refused.returncode == 1
    assert 'version: "1.0.0" was used for other weights' in refused.stderr
    assert "next: write 1.1.0" in refused.stderr
    assert live_models(bench.cluster)["sums"].release == before
    (row,) = json.loads(bench.well("models", "sums", "--json"))["versions"]
    assert (row["version"], row["environment"], row["state"]) == ("1.0.0", bench.environment, "live")
    bench.write("sums", 3.0, version="1.1.0")
    bench.well("up", bench.environment, "--yes")
    states = [(one["version"], one["state"]) for one in json.loads(bench.well("models", "--json"))["versions"]]
    assert states == [("1.1.0", "live"), ("1.0.0", "was live")]
