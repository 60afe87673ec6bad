"""Measure what a mirrored call costs the judge: python judge/tests/capacity.py.

The real judge replays calls of the digits model to two real model servers, as fast as they come from here.
"""

import http.client
import json
import tempfile
import threading
import time
from pathlib import Path

from judged import Rollout, right
from test_real_servers import DIGITS, FORMS, ready, started

SECONDS = 15.0
SENDERS = 4


def main() -> None:
    """Print calls, drops, processor time and memory."""
    folder = Path(tempfile.mkdtemp())
    servers = [started(folder, DIGITS / "model.onnx") for _ in range(2)]
    while not all(ready(port) for port, _ in servers):
        time.sleep(0.1)
    rollout = Rollout(folder, right, right, hold_s=3600.0, deadline_s=7200.0)
    plan = json.loads(rollout.api.data["plan.json"])
    for side, (port, _) in zip(("old", "new"), servers, strict=True):
        plan[side]["service"] = str(port)
    for rule in [rule["backendRefs"] for rule in rollout.api.rules]:
        for backend, (port, _) in zip(rule, servers, strict=True):
            backend["name"] = str(port)
    rollout.api.write("plan.json", json.dumps(plan))
    judge = rollout.judge()
    judge.until(lambda: judge.get("/readyz")[0] == 200, "ready")
    time.sleep(2)
    before_s = judge.metric("process_cpu_seconds_total")
    end = time.monotonic() + SECONDS
    asked = FORMS["predict"]

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", judge.ports["mirror_port"], timeout=10)
        while time.monotonic() < end:
            connection.request("POST", asked.path, asked.body, {"content-type": "application/json"})
            connection.getresponse().read()

    threads = [threading.Thread(target=send) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    replayed = judge.metric("slipway_judge_mirrored_calls_total", outcome="replayed")
    dropped = judge.metric("slipway_judge_mirrored_calls_total", outcome="too_many")
    spent_s = judge.metric("process_cpu_seconds_total") - before_s
    resident = judge.metric("process_resident_memory_bytes")
    print(f"{replayed:.0f} replayed, {dropped:.0f} dropped in {SECONDS:.0f} s")  # noqa: T201
    print(f"{1000 * spent_s / replayed:.2f} ms of processor time a call, {resident / 2**20:.0f} MiB")  # noqa: T201
    print(f"{rollout.api.state['evidence'].get('agreement')}")  # noqa: T201
    rollout.close()
    for _, server in servers:
        server.kill()


if __name__ == "__main__":
    main()
