"""Clients of the tutorial's model: each sends one picture a second, whether the gateway is quick or slow (Locust).

    KEY=$(cat key.txt) AUTHORITY=ca.pem locust -f docs/tutorial/canary/traffic.py --headless --users 30 \
        --spawn-rate 30 --host https://localhost:30443/models/postcode

The picture is a seven with a speck of any strength in both upper corners. The key comes from the environment, since
arguments are seen by all users of a machine; the authority of the certificate from the file that AUTHORITY names.
"""

import copy
import json
import os
import random
from pathlib import Path

from locust import HttpUser, constant_throughput, task

SEVEN = json.loads((Path(__file__).resolve().parents[3] / "models" / "digits" / "check.json").read_text())


class Scanner(HttpUser):
    """One client: asks once a second, and waits for no answer longer than 10 s."""

    wait_time = constant_throughput(1)

    def on_start(self) -> None:
        """Show the key with each call, and trust the environment's own authority."""
        self.client.headers["authorization"] = f"Bearer {os.environ['KEY']}"
        self.client.verify = os.environ["AUTHORITY"]

    @task
    def read(self) -> None:
        """Have one picture read."""
        body = copy.deepcopy(SEVEN)
        row = body["inputs"]["image"][0][0][0]
        row[0], row[7] = random.random(), random.random()  # noqa: S311
        self.client.post("/predict", json=body, timeout=10)
