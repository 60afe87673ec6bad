"""A real MQTT broker, Debian's mosquitto, unpacked into a folder: with a password, and sessions kept on the disk."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.debian import unpack
from tests.support.weights_server import write_certificate

_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "slipway" / "mosquitto-bookworm"
USER, PASSWORD = "press", "of-this-test-alone"
_LIMIT_S = 30


def mosquitto() -> Path:
    """The folder of the unpacked package; it is kept in the user's cache."""
    _CACHE.parent.mkdir(parents=True, exist_ok=True)
    with _CACHE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _CACHE.exists():
            return _CACHE
        wanted = ["./usr/sbin/mosquitto", "./usr/bin/mosquitto_passwd", "./usr/lib/*", "./lib/*"]
        # What every Debian has: libraries of the system, which must not be another release's.
        unpack(_CACHE, "bookworm", "mosquitto", wanted, leaving=("libc6_", "libc-bin", "perl", "debconf"))
    return _CACHE


class Broker:
    """Listens on loopback; `kill` and `start` as often as wanted. Who has no password is refused."""

    def __init__(self, folder: Path) -> None:
        self._root = mosquitto()
        self._folder = folder
        folder.mkdir()
        self.port, self.tls_port = _free_port(), _free_port()
        self.certificate = folder / "broker.pem"
        write_certificate(self.certificate)
        passwords = folder / "passwords"
        self._run("usr/bin/mosquitto_passwd", "-b", "-c", str(passwords), USER, PASSWORD)
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser root\n"
            f"listener {self.tls_port} 127.0.0.1\ncertfile {self.certificate}\nkeyfile {self.certificate}\n"
            f"persistence true\npersistence_location {folder}/\n"
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            argv = [str(self._root / "usr/sbin/mosquitto"), "-c", str(self._folder / "mosquitto.conf")]
            self.process = subprocess.Popen(argv, env=self._environment, stdout=log, stderr=log)
        until("the broker listens", self._listens)

    def kill(self) -> None:
        """As a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(_LIMIT_S)
            self.process = None

    def has_kept(self, payload: bytes) -> bool:
        """Have it write its disk, and tell whether a message is there: killing it loses nothing then."""
        if self.process is not None:
            self.process.send_signal(signal.SIGUSR1)
        file = self._folder / "mosquitto.db"
        return file.exists() and payload in file.read_bytes()

    def client(self, name: str) -> paho.Client:
        """Somebody else at the broker, connected and kept so."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        client.username_pw_set(USER, PASSWORD)
        client.reconnect_delay_set(1, 1)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        until(f"{name} is connected", client.is_connected)
        return client

    @property
    def _environment(self) -> dict[str, str]:
        libraries = [self._root / part / "x86_64-linux-gnu" for part in ("usr/lib", "lib")]
        return {"LD_LIBRARY_PATH": ":".join(map(str, libraries)), "PATH": os.environ["PATH"]}

    def _run(self, program: str, *words: str) -> None:
        subprocess.run([self._root / program, *words], env=self._environment, check=True, timeout=_LIMIT_S)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def until(what: str, holds: Callable[[], object], limit_s: float = _LIMIT_S) -> None:
    """Wait until it holds."""
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {limit_s:.0f} s"
        time.sleep(0.05)
