"""`slipway` as its users run it: on the real engine, a real cluster, registry and Docker Engine."""

import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
import yaml

from tests.support.workbench import Load, Workbench, post

pytestmark = pytest.mark.integration

ONES = {"inputs": {"a": [[1, 1, 1]], "b": [[0, 0, 0]]}}


def test_a_model_that_nobody_has_seen_goes_all_the_way_without_touching_code(bench: Workbench) -> None:
    spec = bench.write("sums")
    assert "sums" in bench.well("validate", str(spec))
    first = bench.up()
    assert first.returncode == 0, first.stderr
    assert "answered right" in first.stdout
    assert post(bench.port("sums"), {"inputs": {"a": [[1, 2, 3]], "b": [[0, 0, 0]]}})["outputs"] == {
        "y": [[2.0, 4.0, 6.0]]
    }
    request = bench.folder / "mine.json"
    request.write_text('{"inputs": {"a": [[5, 5, 5]], "b": [[1, 1, 1]]}}')
    answer = json.loads(bench.well("predict", bench.environment, "sums", str(request)))
    assert answer["outputs"] == {"y": [[12.0, 12.0, 12.0]]}

    bench.write("sums", 3.0, version="1.1.0")
    assert bench.up().returncode == 0
    answer = json.loads(bench.well("predict", bench.environment, "sums", str(request)))
    assert (answer["version"], answer["outputs"]) == ("1.1.0", {"y": [[18.0, 18.0, 18.0]]})

    bench.write("sums")
    assert bench.up().returncode == 0
    answer = json.loads(bench.well("predict", bench.environment, "sums", str(request)))
    assert (answer["version"], answer["outputs"]) == ("1.0.0", {"y": [[12.0, 12.0, 12.0]]})
    assert bench.objects() == bench.wanted()
    bench.down()


def test_an_up_without_a_change_touches_nothing(bench: Workbench) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    before = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in bench.cluster.list("ConfigMap")}
    second = bench.up()
    assert second.returncode == 0
    assert "0 of 1 models to deploy" in second.stderr
    after = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in bench.cluster.list("ConfigMap")}
    assert after == before


def test_only_the_model_that_changed_is_touched(bench: Workbench) -> None:
    bench.write("one")
    bench.write("two")
    assert bench.up().returncode == 0
    before = bench.cluster.read("Deployment", "one")
    bench.write("two", 3.0)
    result = bench.up()
    assert result.returncode == 0
    assert "1 of 2 models to deploy" in result.stderr
    after = bench.cluster.read("Deployment", "one")
    assert before and after
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_a_release_that_answers_wrongly_is_taken_back_while_the_old_one_serves_without_a_gap(
    bench: Workbench,
) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    with Load(bench.port("sums")) as load:
        bench.write("sums", 3.0, expect=5.0, version="2.0.0")
        result = bench.up()
    assert result.returncode == 2
    assert "output `y`" in result.stderr
    assert "expected between 5.0 and 5.0" in result.stderr
    assert "1.0.0 serves again" in result.stderr
    assert load.lost == []
    assert set(load.answers) == {2.0}
    status = json.loads(bench.well("status", bench.environment, "--json"))["models"][0]
    assert (status["version"], status["state"]) == ("1.0.0", "serves; spec has changed")
    bench.write("sums")
    assert "0 of 1 models to deploy" in bench.up().stderr


def test_a_first_release_that_answers_wrongly_leaves_nothing(bench: Workbench) -> None:
    bench.write("sums", expect=5.0)
    result = bench.up()
    assert result.returncode == 2
    assert "what was made has been destroyed" in result.stderr
    assert {name for name in bench.objects() if "sums" in name} == set()


def test_one_model_that_fails_does_not_keep_the_others_from_coming_up(bench: Workbench) -> None:
    bench.write("good")
    bench.write("wrong", expect=5.0)
    result = bench.up()
    assert result.returncode == 2
    assert "1 of 2 models failed: wrong" in result.stderr
    verdicts = json.loads(bench.well("verify", bench.environment, "good", "--json"))["models"]
    assert [verdict["right"] for verdict in verdicts] == [True]


def test_a_rolling_update_and_its_revert_lose_no_request(bench: Workbench) -> None:
    bench.write("sums", scale={"min": 2, "max": 2})
    assert bench.up().returncode == 0
    with Load(bench.port("sums")) as load:
        bench.write("sums", 3.0, scale={"min": 2, "max": 2}, version="1.1.0")
        assert bench.up().returncode == 0
        bench.write("sums", scale={"min": 2, "max": 2})
        assert bench.up().returncode == 0
        time.sleep(8)
    assert load.lost == []
    assert set(load.answers) == {2.0, 3.0}
    assert load.answers[2.0] > 100


def test_of_two_at_once_the_second_waits_and_says_for_whom(bench: Workbench) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.write("sums", 3.0)
    results = []
    runs = [threading.Thread(target=lambda: results.append(bench.up("--refresh"))) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [result.returncode for result in results] == [0, 0], [result.stderr for result in results]
    assert re.search(r"waiting for .+, which (is deploying it|holds the stack)", "".join(r.stderr for r in results))
    assert bench.objects() == bench.wanted()


def test_what_others_took_away_comes_back_when_it_is_asked_to_look(bench: Workbench) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.cluster.delete("NetworkPolicy", "sums")
    bench.cluster.delete("Service", "sums")
    assert bench.objects() != bench.wanted()
    result = bench.up("--refresh")
    assert result.returncode == 0, result.stderr
    assert bench.objects() == bench.wanted()


def test_a_model_whose_spec_is_gone_stays_until_it_is_pruned(bench: Workbench) -> None:
    bench.write("one")
    bench.write("two").rename(bench.folder / "two.yaml")
    (bench.folder / "two.yaml").rename(bench.folder / "models" / "two.yaml")
    assert bench.up().returncode == 0
    (bench.folder / "models" / "two.yaml").unlink()
    result = bench.up()
    assert result.returncode == 0
    assert "two is live and has no spec: it is left alone" in result.stderr
    assert bench.up("--prune").returncode == 0
    assert bench.objects() == bench.wanted()


def test_without_docker_nothing_changes_and_the_message_says_where_it_was_looked_for(bench: Workbench) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.write("sums", 3.0)
    result = bench.up(environ={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert result.returncode == 2
    assert "the Docker Engine at unix:///nowhere/docker.sock does not answer" in result.stderr
    assert "Traceback" not in result.stderr
    assert json.loads(bench.well("verify", bench.environment, "--json"))["models"][0]["right"]


def test_without_a_registry_nothing_changes_and_the_message_names_it(bench: Workbench) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.write_settings(registry="127.0.0.1:5999")
    result = bench.up()
    assert result.returncode == 2
    assert "registry of 127.0.0.1:5999/slipway/" in result.stderr
    assert "Traceback" not in result.stderr
    assert json.loads(bench.well("verify", bench.environment, "--json"))["models"][0]["right"]


def test_without_an_api_server_the_message_names_its_address_and_the_limit(bench: Workbench, tmp_path: Path) -> None:
    bench.write("sums")
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]).read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:6999"
    other = tmp_path / "kubeconfig"
    other.write_text(yaml.safe_dump(config))
    for command in (("up", "--yes"), ("status",), ("verify",)):
        result = bench.run(command[0], bench.environment, *command[1:], environ={"KUBECONFIG": str(other)})
        assert result.returncode == 3
        assert "https://127.0.0.1:6999" in result.stderr
        assert "Traceback" not in result.stderr


def test_ctrl_c_ends_in_order_and_the_next_up_goes_on(bench: Workbench) -> None:
    bench.write("sums")
    with bench.up_until("sums: updating its stack") as up:
        up.process.send_signal(signal.SIGINT)
    assert up.returncode == 3, up.stderr
    assert "run the same command again" in up.stderr
    assert "Traceback" not in up.stderr
    assert bench.up().returncode == 0
    assert bench.objects() == bench.wanted()


def test_down_of_one_model_leaves_the_others(bench: Workbench) -> None:
    bench.write("one")
    bench.write("two")
    assert bench.up().returncode == 0
    bench.well("down", bench.environment, "two", "--yes")
    assert {name for name in bench.objects() if name.endswith("two")} == set()
    assert json.loads(bench.well("verify", bench.environment, "one", "--json"))["models"][0]["right"]


def test_a_refused_spec_changes_nothing_and_names_its_line(bench: Workbench) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    before = bench.cluster.read("Deployment", "sums")
    path = bench.folder / "models" / "sums.yaml"
    path.write_text(path.read_text().replace("cpu: 200m", "cpu: lots"))
    result = bench.up()
    assert result.returncode == 1
    assert re.search(r"models/sums\.yaml:\d+: resources\.cpu: \"lots\"", result.stderr)
    assert bench.cluster.read("Deployment", "sums") == before
