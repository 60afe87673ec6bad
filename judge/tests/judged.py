"""The real judge as a process of its own, among stand-ins."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from doubles import TOTAL, Api, Gateway, Prometheus, Release
from rollout_plans import ID, plan_document

LIMIT_S = 60.0
Answers = Callable[[int], tuple[int, dict[str, Any]]]


class Judge:
    """A running judge."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "slipway_judge"], stderr=sink, env={**os.environ, **environ}
            )
        self.until(lambda: any(event["event"] == "started" for event in self.events()), "it has started")
        self.ports = next(event for event in self.events() if event["event"] == "started")

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["health_port"], timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(part in line for part in wanted))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT_S)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)

    def until(self, there: Callable[[], object], what: str) -> None:
        end = time.monotonic() + LIMIT_S
        while not there():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"not within {LIMIT_S} s: {what}: {self.log.read_text()[-3000:]}"
            time.sleep(0.02)


class Rollout:
    """A rollout among stand-ins: both releases, the gateway with its clients, the API server, Prometheus, judges."""

    def __init__(self, folder: Path, old: Answers, new: Answers, **changes: Any) -> None:
        self.folder = folder
        self.releases = {"old": Release(old), "new": Release(new)}
        self._token_file = folder / "token"
        self._token_file.write_text("a-pods-token")
        limits = {
            "errors": 0.05,
            "agreement": 0.95,
            "p95_ms": 20_000.0,
            "least_requests": 60,
            **changes.pop("judge", {}),
        }
        document = plan_document(
            steps=[0.0, 0.5, 1.0],
            route={"weight": TOTAL},
            judge=limits,
            **{"hold_s": 1.0, "deadline_s": 60.0, **changes},
        )
        self.prometheus = Prometheus(document)
        document["prometheus"] = self.prometheus.url
        for side in ("old", "new"):
            # Services are told apart by their ports here.
            document[side] = {**document[side], "service": str(self.releases[side].port)}
        self.token = "a-pods-token"
        self.api = Api(document, lambda: self.token)
        self._judges: list[Judge] = []
        self._gateway: Gateway | None = None

    def judge(self, rollout: str = ID) -> Judge:
        """Start a judge."""
        environ = {
            "SLIPWAY_MODEL": "digits",
            "SLIPWAY_NAMESPACE": "models",
            "SLIPWAY_ROLLOUT": rollout,
            "SLIPWAY_JUDGE_HOST": "127.0.0.1",
            "SLIPWAY_JUDGE_MIRROR_PORT": "0",
            "SLIPWAY_JUDGE_HEALTH_PORT": "0",
            "SLIPWAY_JUDGE_WARM_UP_S": "0.5",
            "SLIPWAY_JUDGE_TICK_S": "0.1",
            "SLIPWAY_JUDGE_LOOK_EVERY_S": "0.3",
            "SLIPWAY_JUDGE_API_URL": self.api.url,
            "SLIPWAY_JUDGE_SERVICE_ACCOUNT": str(self.folder),
            "SLIPWAY_JUDGE_SERVICES": "http://127.0.0.1:{service}",
        }
        made = Judge(environ, self.folder / f"log-{len(self._judges)}")
        self._judges.append(made)
        if self._gateway:
            self._gateway.mirror_port = made.ports["mirror_port"]
        return made

    def traffic(self) -> None:
        """Have clients call from now on."""
        port = self._judges[-1].ports["mirror_port"]
        self._gateway = Gateway(self.api, self.prometheus, self.releases, port)

    def renew_token(self) -> None:
        """The kubelet writes a new one; the old one is refused."""
        self.token = "another-token"
        self._token_file.write_text(self.token + "\n")

    def close(self) -> None:
        if self._gateway:
            self._gateway.close()
        for judge in self._judges:
            judge.kill()
        for double in (self.api, self.prometheus, *self.releases.values()):
            double.close()


@contextlib.contextmanager
def a_rollout(folder: Path, new: Answers, old: Answers | None = None, **changes: Any) -> Iterator[Rollout]:
    """Give a rollout until the end of the block."""
    made = Rollout(folder, old or right, new, **changes)
    try:
        yield made
    finally:
        made.close()


def right(number: int) -> tuple[int, dict[str, Any]]:
    """The answers of the old release, and of a good new one."""
    return 200, {"label": [number % 10], "score": [0.123456 + number % 7]}
