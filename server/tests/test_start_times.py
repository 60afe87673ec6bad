"""A server says how long its start took, in its log and to Prometheus."""

import re
import time
from pathlib import Path

import processes
from slipway_server.startup.age import process_age_s


def test_a_process_gets_older_and_is_as_old_as_its_start_says(tmp_path: Path) -> None:
    first = process_age_s()
    time.sleep(0.05)
    assert process_age_s() > first
    stat = tmp_path / "stat"
    # Of proc(5): a command may have any name.
    stat.write_text(Path("/proc/self/stat").read_text().replace("(", "(a) 1 2 (", 1))
    assert abs(process_age_s(stat) - process_age_s()) < 1


def test_what_loading_and_warming_took_is_told_to_prometheus_and_in_the_log(folder: Path) -> None:
    with processes.running(processes.digits_config(), folder) as server:
        text = server.ask("GET", "/metrics").body.decode()
        ready = processes.told(server, "ready")
    told = dict(re.findall(r'^slipway_start_seconds\{part="(\w+)"\} (\S+)$', text, re.MULTILINE))
    assert told.keys() == {"load", "warm"}
    # Python, the imports and ONNX Runtime take their time before the first request.
    assert float(told["load"]) > 0.1
    assert (ready["load_s"], ready["warm_s"]) == (round(float(told["load"]), 2), round(float(told["warm"]), 2))
