"""A Prometheus without its operator takes what `slipway scrape-config` writes, and gives series the same labels."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from slipway.cli import cli
from slipway.render.environment import render_monitoring
from slipway.render.scraping import rule_groups, scrape_configuration
from tests.support.planned import FIXTURES, scaling_plan
from tests.support.prometheus import programs


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("weights", "checks"):
        shutil.copytree(FIXTURES / "repo" / name, tmp_path / name)
    shutil.copytree(FIXTURES / "scaling/spec", tmp_path / "models")
    return ["--models", str(tmp_path / "models"), "--settings", str(FIXTURES / "scaling/settings")]


def jobs(environment: str) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in scrape_configuration(scaling_plan(environment))["scrape_configs"]}


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [programs() / "promtool", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_files_as_they_are_written(files: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    result = CliRunner().invoke(cli, ["scrape-config", "manual", "-o", str(folder), *files], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout.split() == [str(folder / "scrape.yaml"), str(folder / "rules.yaml")]
    assert "rules found" in promtool("check", "rules", folder / "rules.yaml")
    # Debian's Prometheus is older than scrape_config_files, whose files have the same content, and lacks the discovery
    # of Kubernetes, which the local environment's has.
    scrape = yaml.safe_load((folder / "scrape.yaml").read_text())
    for job in scrape["scrape_configs"]:
        assert job.pop("kubernetes_sd_configs")[0]["role"] == "pod"
    whole = folder / "prometheus.yml"
    whole.write_text(yaml.safe_dump({**scrape, "rule_files": ["rules.yaml"]}))
    assert "SUCCESS" in promtool("check", "config", whole)


def test_to_standard_output_it_is_one_text_of_two_documents(files: list[str]) -> None:
    result = CliRunner().invoke(cli, ["scrape-config", "manual", *files], catch_exceptions=False)
    scrape, rules = yaml.safe_load_all(result.stdout)
    assert scrape == scrape_configuration(scaling_plan("manual"))
    assert rules == rule_groups(scaling_plan("manual"))


def test_without_monitoring_it_says_where_to_write_it(files: list[str], tmp_path: Path) -> None:
    for path in (tmp_path / "models").iterdir():
        if path.name not in ("by-cpu.yaml", "fixed.yaml"):
            path.unlink()
    result = CliRunner().invoke(cli, ["scrape-config", "unmeasured", *files])
    assert isinstance(result.exception, SystemExit | Exception)
    assert "monitoring" in str(result.exception)


def test_each_monitor_becomes_one_job() -> None:
    monitors = [one for one in render_monitoring(scaling_plan("manual")) if one["kind"] == "PodMonitor"]
    assert list(jobs("manual")) == [f"slipway/by-hand/{one['metadata']['name']}" for one in monitors]
    assert len(monitors) == 3


def test_only_pods_of_models_that_serve_are_scraped_and_their_series_say_whose_they_are() -> None:
    rules = jobs("manual")["slipway/by-hand/models"]["relabel_configs"]
    pod = {
        "__meta_kubernetes_namespace": "by-hand",
        "__meta_kubernetes_pod_name": "by-p95-0",
        "__meta_kubernetes_pod_container_name": "server",
        "__meta_kubernetes_pod_container_port_name": "http",
        "__meta_kubernetes_pod_phase": "Running",
        "__meta_kubernetes_pod_ready": "true",
        "__meta_kubernetes_pod_label_app_kubernetes_io_managed_by": "slipway",
        "__meta_kubernetes_pod_labelpresent_app_kubernetes_io_managed_by": "true",
        "__meta_kubernetes_pod_label_app_kubernetes_io_name": "by-p95",
        "__meta_kubernetes_pod_labelpresent_app_kubernetes_io_name": "true",
    }
    wanted = {"namespace": "by-hand", "pod": "by-p95-0", "container": "server", "model": "by-p95"}
    assert relabelled(rules, pod) == wanted
    for label, value in (
        ("__meta_kubernetes_pod_ready", "false"),
        ("__meta_kubernetes_pod_phase", "Succeeded"),
        ("__meta_kubernetes_pod_container_port_name", "metrics"),
        ("__meta_kubernetes_pod_label_app_kubernetes_io_managed_by", "Helm"),
        ("__meta_kubernetes_pod_labelpresent_app_kubernetes_io_name", ""),
    ):
        assert relabelled(rules, pod | {label: value}) is None


def relabelled(rules: list[dict[str, Any]], labels: dict[str, str]) -> dict[str, str] | None:
    """What a target is labelled with in the end, None when it is dropped; as Prometheus' model/relabel does."""
    labels = dict(labels)
    for rule in rules:
        joined = ";".join(labels.get(name, "") for name in rule["source_labels"])
        matches = re.fullmatch(rule.get("regex", "(.*)"), joined) is not None
        action = rule.get("action", "replace")
        if (action == "keep" and not matches) or (action == "drop" and matches):
            return None
        if action == "replace" and matches:
            labels[rule["target_label"]] = joined
    return {name: value for name, value in labels.items() if not name.startswith("__")}
