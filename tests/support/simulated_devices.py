"""Devices that are not there: each has a key, signs its requests and verifies its documents, and runs nothing."""

import asyncio
import base64
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

from aiohttp import ClientResponse, ClientSession
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from slipway.edge.keys import key_id, verified
from slipway.edge.server import proof, signed

Says = Callable[[dict[str, Any]], str]
"""What a device reports of a model that its document names: `good`, `failed`, `pulling`."""


def always_good(_: dict[str, Any]) -> str:
    """A device on which everything works."""
    return "good"


class SimulatedDevice:
    """One device; `url`: of the control side."""

    def __init__(self, name: str, url: str, says: Says = always_good) -> None:
        """Make its key. `says`: what it reports of each model."""
        self.name = name
        self.says = says
        self.runs: dict[str, str] = {}
        self.serial = 0
        self._url = url
        self._key = Ed25519PrivateKey.generate()
        self._nonce = 0
        self._signing: list[bytes] = []

    async def enrol(self, session: ClientSession, token: str) -> ClientResponse:
        """Use a token; keeps the key that documents are signed with."""
        public = base64.b64encode(self._key.public_key().public_bytes_raw()).decode()
        body = {"token": token, "device": self.name, "public_key": public}
        answer = await session.post(f"{self._url}/v1/enrol", json=body)
        if answer.status == 200:
            self._signing = [base64.b64decode(one) for one in (await answer.json())["signing_keys"]]
        return answer

    def headers(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        """The headers of its next request."""
        self._nonce += 1
        nonce = str(self._nonce)
        signature = self._key.sign(signed(method, path, nonce, body))
        return {
            "X-Slipway-Device": self.name,
            "X-Slipway-Nonce": nonce,
            "X-Slipway-Signature": base64.b64encode(signature).decode(),
        }

    async def pull(self, session: ClientSession) -> int:
        """Ask for its document and take it; returns the status."""
        path = f"/v1/devices/{self.name}/desired"
        headers = self.headers("GET", path) | {"If-None-Match": f'"{self.serial}"'}
        async with session.get(self._url + path, headers=headers) as answer:
            if answer.status == 200:
                self.take(json.loads(await answer.read()))
            return answer.status

    def take(self, envelope: dict[str, str]) -> None:
        """Verify a document as a device does, and run what it says."""
        payload = base64.b64decode(envelope["payload"])
        known = {key_id(public): public for public in self._signing}
        assert verified(known[envelope["key"]], base64.b64decode(envelope["signature"]), payload)
        document = json.loads(payload)
        self._signing = [base64.b64decode(one) for one in document.get("signing_keys", ())] or self._signing
        assert document["device"] == self.name
        assert document["serial"] > self.serial
        self.serial = document["serial"]
        self.document = document
        self.runs = {one["model"]: one["release"] for one in document["models"]}

    async def report(self, session: ClientSession) -> int:
        """Say how what it runs fares; returns the status."""
        models = [
            {
                "model": one["model"],
                "version": one["version"],
                "release": one["release"],
                "state": self.says(one),
                "reason": "",
            }
            for one in (self.document["models"] if self.serial else [])
        ]
        body = json.dumps({"serial": self.serial, "models": models, "agent": "simulated"}).encode()
        path = f"/v1/devices/{self.name}/report"
        async with session.post(self._url + path, data=body, headers=self.headers("POST", path, body)) as answer:
            if answer.status == 200 and (await answer.json()).get("logs") and "logs" in self.document["telemetry"]:
                assert await self.send_log(session) == 204
            return answer.status

    async def send_log(self, session: ClientSession) -> int:
        """Send two events as the agent's log; returns the status."""
        lines = [{"age_s": 3600.0, "event": "started", "values": ""}, {"age_s": 1.5, "event": "taken", "values": "{}"}]
        body = json.dumps({"lines": lines}).encode()
        path = f"/v1/devices/{self.name}/logs"
        async with session.post(self._url + path, data=body, headers=self.headers("POST", path, body)) as answer:
            return answer.status

    async def rotate(self, session: ClientSession, *, by: "SimulatedDevice | None" = None) -> int:
        """Hand in a new key and use it; `by`: a device whose key signs the proof instead. Returns the status."""
        new = Ed25519PrivateKey.generate()
        public = base64.b64encode(new.public_key().public_bytes_raw()).decode()
        signer = new if by is None else by._key
        signature = base64.b64encode(signer.sign(proof("edge-eu", self.name, public))).decode()
        body = json.dumps({"public_key": public, "signature": signature}).encode()
        path = f"/v1/devices/{self.name}/key"
        async with session.post(self._url + path, data=body, headers=self.headers("POST", path, body)) as answer:
            if answer.status == 204:
                self._key = new
            return answer.status

    async def turn(self, session: ClientSession) -> None:
        """Pull and report once."""
        await self.pull(session)
        assert await self.report(session) in (200, 204)


class AskingDevices(ABC):
    """Devices that ask until the block is over, in a thread of their own; what went wrong there fails the test then."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.trouble: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join()
        assert self.trouble == []

    def _run(self) -> None:
        try:
            asyncio.run(self.ask())
        except BaseException as error:
            self.trouble.append(error)

    @abstractmethod
    async def ask(self) -> None:
        """Ask until it is over."""
