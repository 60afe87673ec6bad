"""The commands `plan` and `price` as a person sees them."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from tests.support.planned import FIXTURES

WIDE = 120
GATEWAY_ON_AWS = """\
    gateway:
      domain: models.example.com
      certificate: {acm: arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555}
      zone: Z0123456789ABCDEFGHIJ
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The fixtures on AWS as a repository of their own."""
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("weights", "checks"):
        shutil.copytree(FIXTURES / "repo" / name, tmp_path / name)
    shutil.copytree(FIXTURES / "aws/spec", tmp_path / "models")
    return ["--models", str(tmp_path / "models"), "--settings", str(FIXTURES / "aws/settings")]


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def test_a_plan_shows_pool_and_why_cold_start_and_cost_within_120_columns(files: list[str]) -> None:
    said = run("plan", "fleet", *files)
    table = said.stdout.splitlines()[:16]
    assert table[0].split() == [
        *("MODEL", "VERSION", "RELEASE", "REPLICAS", "A", "REPLICA", "POOL", "ROLLOUT", "COLD", "START", "$/MONTH")
    ]
    assert max(len(line.rstrip()) for line in table) <= WIDE
    (mig,) = (line for line in table if line.startswith("gpu-mig "))
    assert "1500m 8Gi 1/7xH100" in mig
    assert "717.49-2,869.94" in mig
    assert "gpu-mig: h100-mig is the only eligible pool: $0.9829 an hour for 14.3% of one p5.4xlarge" in said.stdout
    assert "warning: spot: scale.min: 1 of the 3 minimum replicas need spot nodes of pool spot" in said.stderr
    assert "fleet: $" in said.stdout.splitlines()[-1]


def test_a_price_shows_models_nodes_fixed_costs_budget_and_what_it_leaves_out(files: list[str]) -> None:
    said = run("price", "fleet", *files).stdout
    rows = {line.split("  ")[0]: line.split() for line in said.splitlines()}
    assert rows["gpu-only-one"][-6:] == ["1.8610", "1.8610", "1,358.53", "1,358.53", "-", "-"]
    assert rows["control plane"][2:6] == ["1", "0.1000", "0.1000", "73.00"]
    assert rows["total"]
    assert "budget: $150,000 a month; " in said
    assert "left out: traffic" in said
    assert max(len(line.rstrip()) for line in said.splitlines() if "left out" not in line) <= WIDE


def test_the_same_as_json_is_one_document(files: list[str]) -> None:
    priced = json.loads(run("price", "fleet", "--json", *files).stdout)
    planned = json.loads(run("plan", "fleet", "gpu-mig", "--json", *files).stdout)
    assert planned["usd"] == priced["usd"]
    (model,) = planned["models"]
    assert model["estimates"]["usd"] == next(one["usd"] for one in priced["models"] if one["name"] == "gpu-mig")


def test_of_a_cluster_that_was_there_no_price_is_shown(tmp_path: Path) -> None:
    (tmp_path / "least.yaml").write_text((FIXTURES / "spec/ok/least.yaml").read_text())
    for name in ("weights", "checks"):
        shutil.copytree(FIXTURES / "repo" / name, tmp_path / name)
    said = run("price", "local", "--models", str(tmp_path), "--settings", str(FIXTURES / "settings/ok"))
    assert said.stdout.splitlines()[1].split() == ["least", "default", "1", *["-"] * 6]
    assert "its hourly price is not known" in said.stderr


def test_a_plan_says_how_a_release_is_judged_how_long_and_what_that_costs(files: list[str], tmp_path: Path) -> None:
    spec = tmp_path / "models/cpu.yaml"
    spec.write_text(f"{spec.read_text()}endpoint: {{public: true}}\nrollout: {{strategy: canary, hold: 1m}}\n")
    settings = (FIXTURES / "aws/settings/Pulumi.fleet.yaml").read_text()
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.fleet.yaml").write_text(settings + GATEWAY_ON_AWS)
    where = [*files[:2], "--settings", str(tmp_path / "stacks")]
    said = run("plan", "fleet", "cpu", *where).stdout
    assert [line.split()[7] for line in said.splitlines() if line.startswith("cpu ")] == ["canary"]
    assert "of the calls to the new one; 4 steps of 1m to 30m: 4m to 2h in all" in said
    document = json.loads(run("plan", "fleet", "cpu", "--json", *where).stdout)
    (planned,) = document["models"]
    cost = planned["rollout"]["usdPerHour"]
    assert cost == planned["estimates"]["usd"]["hour"]["min"] > 0
    assert f"cpu: meanwhile there is capacity for {planned['rollout']['candidateReplicas']} replica" in said
    assert f"(${cost:.4f} an hour)" in said


def test_a_plan_says_what_sets_the_replicas_and_within_which_limits(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("weights", "checks"):
        shutil.copytree(FIXTURES / "repo" / name, tmp_path / name)
    shutil.copytree(FIXTURES / "scaling/spec", tmp_path / "models")
    where = ["--models", str(tmp_path / "models"), "--settings", str(FIXTURES / "scaling/settings")]
    said = run("plan", "measured", *where).stdout
    lines = said.splitlines()
    assert (
        "all-of-it: 1-6 replicas by p95_ms of 250 (ScaledObject); at least 3 from `0 7 * * 1-5` until `0 19 * * 1-5` "
        "(Europe/Berlin); at least 1 from `0 8 * * *` until `0 9 * * *` (UTC); none after 5 min 0 s without a request; "
        "fewer once they have sufficed for 1 min 0 s"
    ) in lines
    assert (
        "by-cpu: 1-4 replicas by cpu_percent of 70 (HorizontalPodAutoscaler); fewer once they have sufficed for "
        in said
    )
    assert "fixed: " in said
    assert not any("fixed: " in line and "replicas" in line for line in lines)
    rows = {line.split()[0]: line.split()[3] for line in lines if line.startswith(("all-of-it ", "asleep ", "fixed "))}
    assert rows == {"all-of-it": "0-6", "asleep": "0-1", "fixed": "2"}


def test_a_plan_says_where_a_model_is_asked_over_grpc_too(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("weights", "checks"):
        shutil.copytree(FIXTURES / "repo" / name, tmp_path / name)
    shutil.copytree(FIXTURES / "gateway/spec", tmp_path / "models")
    where = ["--models", str(tmp_path / "models"), "--settings", str(FIXTURES / "gateway/settings")]
    said = run("plan", "shared", *where).stdout
    assert "https://models.example.com/models/spoken with a key, over gRPC grpc.models.example.com:443" in said
    assert said.count("over gRPC") == 1
