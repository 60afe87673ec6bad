"""Disks that are small and can be filled, and what runs on them: an engine, a registry. All is gone at the end."""

import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import docker.errors

_LIMIT_S = 60


class Disk:
    """A tmpfs. `folder` is where it is mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, *, but: int = 0) -> None:
        """Leave no byte, or `but` bytes."""
        with self._filler.open("wb", buffering=0) as filler:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    continue
            filler.truncate(filler.tell() - but)

    def make_room(self) -> None:
        """Take away what filled it."""
        self._filler.unlink(missing_ok=True)

    def resize(self, size: str) -> None:
        """Give it another size, such as `64m`."""
        subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=True, timeout=_LIMIT_S)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Disk]:
    """Mount a disk of `size` (such as `64m`) on a new folder while the block runs."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True, timeout=_LIMIT_S)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", folder], check=True, timeout=_LIMIT_S)


@contextmanager
def docker_engine(
    folder: Path,
    data: Path,
    *more: str,
    within: Callable[..., list[str]] = lambda *argv: list(argv),
) -> Iterator[str]:
    """Run a Docker Engine that keeps its images in `data`, everything else in `folder`; gives its DOCKER_HOST.

    `more`: its arguments; `within`: gives the command that runs a command where the engine is to be.
    """
    host = f"unix://{folder}/docker.sock"
    (folder / "daemon.json").write_text("{}")
    argv = ["dockerd", f"--data-root={data}", f"--pidfile={folder}/pid", f"--host={host}"]
    argv += [f"--config-file={folder}/daemon.json", "--bridge=none", "--iptables=false", "--ip-forward=false"]

    def answers() -> bool:
        try:
            return bool(docker.DockerClient(base_url=host, timeout=5).ping())
        except docker.errors.DockerException:
            return False

    # Its containerd listens below the root for execution, by a path of at most 104 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="slipway-docker-", ignore_cleanup_errors=True) as short,
        _daemon(within(*argv, "--ip-masq=false", f"--exec-root={short}", *more), folder / "dockerd.log", answers),
    ):
        yield host


@contextmanager
def registry(folder: Path, data: Path, address: str) -> Iterator[None]:
    """Run a registry at `address` that keeps its images in `data`."""
    config = folder / "registry.yml"
    config.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {data}}}}}\nhttp: {{addr: {address}}}\n")

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://{address}/v2/", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    with _daemon(["docker-registry", "serve", str(config)], folder / "registry.log", answers):
        yield


@contextmanager
def _daemon(argv: list[str], log: Path, answers: Callable[[], bool]) -> Iterator[None]:
    with log.open("w") as output, subprocess.Popen(argv, stdout=output, stderr=output) as process:
        try:
            until = time.monotonic() + _LIMIT_S
            while not answers():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, f"no answer within {_LIMIT_S} s\n{log.read_text()}"
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(_LIMIT_S)
