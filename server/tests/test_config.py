"""The configuration file and the CPU limit are read strictly."""

import json
import os
from pathlib import Path
from typing import Any

import processes
import pytest
from slipway_server.startup.cpu import inference_threads
from slipway_server.values.config import ConfigError, load_config

CORES = len(os.sched_getaffinity(0))


def load(tmp_path: Path, document: object) -> Any:
    path = tmp_path / "config.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return load_config({"SLIPWAY_CONFIG": str(path)})


def test_what_is_left_out_has_the_documented_defaults(tmp_path: Path) -> None:
    document = processes.digits_config()
    for name in ("host", "port", "drain_s"):
        del document[name]
    config = load(tmp_path, document)
    assert (config.host, config.port, config.max_body_bytes) == ("0.0.0.0", 8080, 10 * 1024 * 1024)
    assert (config.timeout_s, config.drain_s) == (30.0, 5.0)
    assert (config.batch.max_size, config.batch.max_wait_ms) == (32, 2.0)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"prot": 80}, "prot: Extra inputs are not permitted"),
        ({"port": "80"}, "port: Input should be a valid integer"),
        ({"port": 70000}, "port: Input should be less than or equal to 65535, got '70000'"),
        ({"timeout_s": 0}, "timeout_s: Input should be greater than 0"),
        ({"batch": {"max_size": 0}}, "batch.max_size"),
        ({"model": {"name": "a"}}, "model.version: Field required"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, object], part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, processes.digits_config() | change)
    assert part in str(caught.value)
    assert "config.json" in str(caught.value)


def test_no_variable_and_no_json_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SLIPWAY_CONFIG is not set"):
        load_config({})
    with pytest.raises(ConfigError, match="is not JSON"):
        load(tmp_path, "{")


@pytest.mark.parametrize(("millis", "threads"), [("100", 1), ("1000", 1), ("1001", 2), ("64000", 64)])
def test_threads_are_the_pod_s_limit_rounded_up_and_never_more_than_cores(
    millis: str, threads: int, tmp_path: Path
) -> None:
    assert inference_threads({"SLIPWAY_CPU_LIMIT_MILLIS": millis}, tmp_path) == min(threads, CORES)


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, CORES),
        ({"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, CORES),
        ({}, CORES),
    ],
)
def test_without_the_variable_the_cgroup_s_limit_counts(files: dict[str, str], threads: int, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert inference_threads({}, tmp_path) == min(threads, CORES)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "half"])
def test_a_limit_that_is_no_positive_integer_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SLIPWAY_CPU_LIMIT_MILLIS"):
        inference_threads({"SLIPWAY_CPU_LIMIT_MILLIS": text}, tmp_path)
