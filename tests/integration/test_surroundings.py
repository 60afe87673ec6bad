"""Deploy as people do: behind a proxy, with a Docker configuration of another machine, with another passphrase set."""

import json
from pathlib import Path

import pytest

from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

DEAD = "http://someone:secret@127.0.0.1:9"
PROXIES = {name: DEAD for upper in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY") for name in (upper, upper.lower())}


def test_a_model_comes_up_behind_a_proxy_and_with_a_missing_credential_helper(bench: Workbench, tmp_path: Path) -> None:
    """`local run`, which these tests are run by, has put the cluster's addresses into NO_PROXY."""
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"credsStore": "desktop"}))
    bench.environ = PROXIES | {"DOCKER_CONFIG": str(tmp_path / "docker")}
    bench.write("here")
    done = bench.up()
    assert done.returncode == 0, done.stderr
    assert "models answering: here" in done.stdout
    bench.well("verify", bench.environment)


def test_a_proxy_that_does_not_lead_to_the_cluster_is_named(bench: Workbench) -> None:
    bench.write("here")
    told = bench.run("status", bench.environment, environ=PROXIES | {"NO_PROXY": "localhost", "no_proxy": "localhost"})
    assert told.returncode == 3
    assert "through the proxy http://127.0.0.1:9 " in told.stderr
    assert "add 10.244.255.1 to NO_PROXY" in told.stderr
    assert "secret" not in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_another_passphrase_is_one_message_and_changes_nothing(bench: Workbench) -> None:
    bench.write("here")
    bench.well("up", bench.environment, "--yes")
    before = bench.objects()
    bench.write("here", factor=3.0)
    told = bench.up(environ={"PULUMI_CONFIG_PASSPHRASE": "another"})
    assert told.returncode == 3
    assert "next: set PULUMI_CONFIG_PASSPHRASE" in told.stderr.splitlines()[-1]
    assert bench.objects() == before
    bench.well("verify", bench.environment)


def test_an_unfinished_spec_of_another_team_stops_who_asks_for_it_or_for_all_and_nobody_else(bench: Workbench) -> None:
    bench.write("here")
    bench.write("theirs").write_text("name: theirs\nversion: one\n")
    done = bench.run("up", bench.environment, "here", "--yes")
    assert done.returncode == 0, done.stderr
    assert "models answering: here" in done.stdout
    assert "warning: left out of the plan and of its capacity: theirs: models/theirs.yaml" in done.stderr
    bench.well("verify", bench.environment)
    assert "here" in bench.well("status", bench.environment)
    for arguments in (("up", bench.environment, "--yes"), ("up", bench.environment, "theirs", "--yes"), ("validate",)):
        refused = bench.run(*arguments)
        assert refused.returncode == 1
        assert "models/theirs.yaml:2: version: " in refused.stderr
