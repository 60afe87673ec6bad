"""Run the model store: one bucket, a user who may write, and one for pods who may read objects and nothing else."""

import http.client
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from slipway.local.cluster import facts
from slipway.local.host import paths, processes

PORT = 9000
ENDPOINT = f"http://{facts.NODE_IP}:{PORT}"
BUCKET = "models"
REGION = "us-east-1"
WRITER, READER = "writer", "reader"
ACCESS_KEY = "SLIPWAY_MODEL_STORE_ACCESS_KEY_ID"
SECRET_KEY = "SLIPWAY_MODEL_STORE_SECRET_ACCESS_KEY"  # noqa: S105 - a name
OF_PODS = "SLIPWAY_MODEL_STORE_OF_PODS"
"""Names the file with the credentials of pods, which a Secret is made from."""
_NAME = "model-store"
_HEALTH = "/health"
_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 5.0


def start(program: Path) -> str:
    """Start the store unless it runs; its bucket, its users and what is in it stay as they are.

    Raises:
        LocalError: it does not start.
    """
    found = _credentials()
    _lay_out(found)
    argv = [str(program), "--port", f"{facts.NODE_IP}:{PORT}", "--region", REGION, "--health", _HEALTH, "--quiet"]
    argv += ["--iam-dir", str(_folder() / "users"), "posix", "--sidecar", str(_folder() / "about"), str(_objects())]
    # In its environment, which nobody else can read, as they could its arguments.
    env = {**os.environ, "ROOT_ACCESS_KEY_ID": WRITER, "ROOT_SECRET_ACCESS_KEY": found[WRITER]}
    processes.spawn(_NAME, argv, env)
    processes.wait_until("the model store's answer", _START_LIMIT_S, _answers, watch=[_NAME])
    return f"{ENDPOINT}, bucket {BUCKET}"


def stop() -> list[str]:
    """Stop the store; returns what could not be stopped."""
    return processes.stop([_NAME], grace_s=_STOP_LIMIT_S)


def status() -> str:
    """How the store does, in a word or two."""
    if not processes.alive(_NAME):
        return "down"
    try:
        return f"up, {ENDPOINT}" if _answers() else "starting, or does not answer"
    except OSError:
        return "starting, or does not answer"


def variables() -> dict[str, str]:
    """What lets `slipway up` write, and where the credentials of pods are; nothing where there is no store."""
    if not _secrets().exists():
        return {}
    return {ACCESS_KEY: WRITER, SECRET_KEY: _credentials()[WRITER], OF_PODS: str(_of_pods())}


def _folder() -> Path:
    """A function, since tests move the state."""
    return paths.STATE / "model-store"


def _objects() -> Path:
    return _folder() / "objects"


def _secrets() -> Path:
    return _folder() / "secrets.json"


def _of_pods() -> Path:
    return _folder() / "pods.env"


def _credentials() -> Mapping[str, str]:
    """The secret of each user, made once."""
    if _secrets().exists():
        kept: dict[str, str] = json.loads(_secrets().read_text())
        return kept
    made = {user: secrets.token_hex(20) for user in (WRITER, READER)}
    _folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(_secrets(), json.dumps(made))
    return made


def _lay_out(found: Mapping[str, str]) -> None:
    """Write the bucket, its policy and the second user as the program keeps them: it has no command for a policy."""
    read = {
        "Sid": "PodsRead",
        "Effect": "Allow",
        "Principal": {"AWS": [READER]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/*"],
    }
    user = {"access": READER, "secret": found[READER], "role": "user", "userID": 0, "groupID": 0, "projectID": 0}
    about = _folder() / "about" / BUCKET / "meta"
    for folder in (_objects() / BUCKET, about, _folder() / "users"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(about / "policy", json.dumps({"Version": "2012-10-17", "Statement": [read]}))
    _write(_folder() / "users" / "users.json", json.dumps({"accessAccounts": {READER: user}}))
    _write(_of_pods(), f"AWS_ACCESS_KEY_ID={READER}\nAWS_SECRET_ACCESS_KEY={found[READER]}\n")


def _write(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.rename(file)


def _answers() -> bool:
    link = http.client.HTTPConnection(facts.NODE_IP, PORT, timeout=5)
    try:
        link.request("GET", _HEALTH)
        return link.getresponse().status == 200
    finally:
        link.close()
