"""A real PostgreSQL of the session's own: Debian's packages, installed or unpacked into the cache, on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.local.host import paths
from slipway.local.host.cache import locked
from tests.support import debian

INSTALLED = Path("/usr/lib/postgresql/15/bin")
RELEASE = "bookworm"
USER = "slipway"
PASSWORD = "only-for-tests"
_NOBODY = 65534
_LIMIT_S = 60
_WANTED = ("./usr/lib/postgresql/*", "./usr/share/postgresql/*", "./usr/lib/*-linux-gnu/*", "./lib/*-linux-gnu/*")
_NOT_OURS = ("libc6_", "libc-bin_", "libgcc-s1_", "gcc-12-base_")
"""Never beside the machine's own: every program that PostgreSQL starts would get another C library than its loader."""


class Postgres:
    """A server. It can be killed and started again; its data stays."""

    def __init__(self, folder: Path, binaries: Path, libraries: Path | None) -> None:
        self.folder = folder
        self.binaries = binaries
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        if libraries is not None:
            self.environment["LD_LIBRARY_PATH"] = str(libraries)
        # PostgreSQL refuses to run as root.
        self._user = _NOBODY if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = int(sock.getsockname()[1])

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def initialize(self) -> None:
        """Make the empty data folder."""
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self._user is not None:
            shutil.chown(self.folder, self._user, self._user)
            shutil.chown(password, self._user, self._user)
        self._run(
            "initdb",
            "-D",
            self.folder / "data",
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            password,
            "-N",
            "-E",
            "UTF8",
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 60,
            "shared_buffers": "32MB",
        }
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self.binaries / "postgres",
                    *("-D", self.folder / "data"),
                    *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
                ],
                stdout=log,
                stderr=log,
                env=self.environment,
                user=self._user,
                start_new_session=True,
            )
        end = time.monotonic() + _LIMIT_S
        while not self._ready():
            assert self._process.poll() is None, (self.folder / "log").read_text(errors="replace")[-3000:]
            assert time.monotonic() < end, f"PostgreSQL is not ready after {_LIMIT_S} s"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill all of its processes, as a machine that loses its power does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in an orderly way; clients are cut."""
        self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if number == signal.SIGKILL:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)
        self._process.wait(_LIMIT_S)
        self._process = None
        # Children of a killed server notice its end by themselves, and hold its shared memory until then.
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def _ready(self) -> bool:
        done = subprocess.run(
            [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            env=self.environment,
            check=False,
            timeout=_LIMIT_S,
        )
        return done.returncode == 0

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self.binaries / program, *arguments],
            env=self.environment,
            user=self._user,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server until the end of the block, in a folder of its own that any user may enter."""
    with tempfile.TemporaryDirectory(prefix="slipway-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        binaries, libraries = _found(folder)
        server = Postgres(_made(folder / "server"), binaries, libraries)
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o755)
    return folder


def _found(folder: Path) -> tuple[Path, Path | None]:
    """Return the folder of programs, and that of libraries which they need beside the machine's."""
    if (INSTALLED / "postgres").exists() and (INSTALLED / "pg_isready").exists():
        return INSTALLED, None
    tree = paths.CACHE_TOOLS / f"postgresql-15-{RELEASE}"
    with locked(tree.name):
        if not tree.is_dir():
            debian.unpack(tree, RELEASE, "postgresql-15", _WANTED, leaving=_NOT_OURS)
    # Root's cache is closed to the user that runs PostgreSQL.
    reachable = shutil.copytree(tree, folder / "tree", symlinks=True) if os.geteuid() == 0 else tree
    return reachable / "usr/lib/postgresql/15/bin", next((reachable / "usr/lib").glob("*-linux-gnu"))
