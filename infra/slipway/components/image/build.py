"""Build and push images with the Docker Engine; look in the registry first.

Nothing here needs a network but the registry's: wheels are installed beforehand, by lock and hash, and copied
in. A build that ran `pip install` would fail behind a network with its own certificate authority, and could
install something else on another day.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import docker
import docker.errors
import requests
from docker.credentials import StoreError
from docker.utils.config import find_config_file
from filelock import FileLock, Timeout

from slipway.catalog.pod_contract import IMAGE_PLATFORMS, IMAGE_PYTHON
from slipway.errors.base import DeployError, FileRefused
from slipway.errors.failures import NoSpace
from slipway.errors.full_disk import disk_errors, full, told
from slipway.errors.images import (
    BaseOfOtherPlatform,
    DockerUnreachable,
    FileChanged,
    ImageBuildFailed,
    OtherPlatform,
    RegistryFailed,
    WheelsFailed,
)
from slipway.registry.credentials import without_missing_helpers
from slipway.registry.platforms import of_platform
from slipway.values.aliases import Tell
from slipway.values.user_cache import user_cache

_DOCKER_TIMEOUT_S = 600
_WHEELS_TIMEOUT_S = 900
_LOCK_LIMIT_S = 3600.0
"""Longer than the longest build: another run may be at it."""
_LAST_LINES = 12
_TAKEN = ("already exists", "immutable")
"""What ECR says of a tag that never moves, and that somebody else pushed meanwhile."""
_NOT_THERE = ("manifest unknown", "name unknown", "not found")
"""What registries say of an image, or of a repository, that there is not: error codes of the OCI distribution spec."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a Dockerfile that a person wrote gets: build arguments, and the network if they ask for it."""

    args: Mapping[str, str] = field(default_factory=dict)
    network: bool = False


class ImageBuilder:
    """Docker Engine of this machine, and through it the registries that it is logged in to.

    Every method raises `DockerUnreachable` when there is no Engine, `RegistryFailed` when the registry does
    not answer or refuses, `ImageBuildFailed` with the Engine's own words otherwise.
    """

    def __init__(self) -> None:
        """Connect to $DOCKER_HOST, or to the default socket."""
        try:
            self._docker = docker.from_env(timeout=_DOCKER_TIMEOUT_S)
        except docker.errors.InvalidConfigFile as error:
            todo = "correct it, or remove it and run docker login"
            raise FileRefused(str(find_config_file()), str(error), "Docker's configuration", todo) from error
        except docker.errors.DockerException as error:
            raise DockerUnreachable(os.environ.get("DOCKER_HOST", "the default socket"), str(error)) from error
        self._missing = without_missing_helpers(self._docker)

    def pushed(self, reference: str, platform: str | None = None) -> str | None:
        """Return the digest (`sha256:...`) under which the registry has `repository:tag`, or None.

        Raises `OtherPlatform` where it is known to be for others than `platform`: whoever finds it would deploy it.
        """
        digest, there = self._in_registry(reference)
        if platform and there and platform not in there:
            raise OtherPlatform(reference, ", ".join(there), platform)
        return digest

    def _in_registry(self, reference: str) -> tuple[str | None, list[str]]:
        """The digest of an image, None where there is none, and its platforms; none of them where nobody tells."""
        with self._explained(reference):
            try:
                found = self._docker.images.get_registry_data(reference)
                platforms = found.attrs.get("Platforms") or []
                return found.id, [f"{one.get('os')}/{one.get('architecture')}" for one in platforms]
            except docker.errors.NotFound:
                return None, []
            except docker.errors.APIError as error:
                if any(word in str(error).lower() for word in _NOT_THERE):
                    return None, []
                raise

    def base(self, image: str, platform: str) -> str:
        """What an image for a platform is built on, as `repository@sha256:...`.

        Of several platforms' images under one name the Engine keeps one, and builds on that whatever the platform is
        (Docker 20.10, `GetImageAndReleasableLayer`). So that name is for its own platform alone; for others it is the
        image of the platform by its own digest.

        Raises:
            BaseOfOtherPlatform: the image is for others.
        """
        digest, there = self._in_registry(image)
        if digest is None:
            raise RegistryFailed(image, "there is no such image")
        if there and platform not in there:
            raise BaseOfOtherPlatform(image, ", ".join(there), platform)
        pinned = image if "@" in image else f"{image.rpartition(':')[0]}@{digest}"
        return of_platform(pinned, platform) if len(there) > 1 and platform != self._own_platform(image) else pinned

    def _own_platform(self, image: str) -> str:
        with self._explained(image):
            own = self._docker.version()
        return f"{own['Os']}/{own['Arch']}"

    def pinned(self, image: str) -> str:
        """Return an image named by tag as `repository@sha256:...`, as its registry has it now."""
        if "@" in image:
            return image
        digest = self.pushed(image)
        if digest is None:
            raise RegistryFailed(image, "there is no such image")
        return f"{image.rpartition(':')[0]}@{digest}"

    def build_and_push(
        self, reference: str, context: IO[bytes], report: Tell, platform: str, how: "BuildOptions | None" = None
    ) -> str:
        """Build `repository:tag` from a tar with its Dockerfile, push it, and return the registry's digest.

        `platform`: of the nodes that run it, such as `linux/arm64`; the Engine's may be another.
        """
        how = how or BuildOptions()
        repository, _, tag = reference.rpartition(":")
        with self._explained(reference):
            report("building")
            said: deque[str] = deque(maxlen=_LAST_LINES)
            for line in self._docker.api.build(
                fileobj=context,
                custom_context=True,
                tag=reference,
                platform=platform,
                network_mode=None if how.network else "none",
                buildargs=dict(how.args),
                rm=True,
                forcerm=True,
                decode=True,
            ):
                if "error" in line:
                    raise self._build_failure(reference, str(line["error"]), "\n".join(said))
                said.extend(str(line.get("stream", "")).splitlines())
            report("pushing")
            digest = None
            for line in self._docker.api.push(repository, tag=tag, stream=True, decode=True):
                if "error" in line:
                    reason = str(line["error"])
                    # Somebody else was quicker: tags are digests of the inputs, so that it is the same image.
                    if all(word in reason for word in _TAKEN) and (there := self.pushed(reference, platform)):
                        return there
                    raise RegistryFailed(reference, self._missing.explain(reason))
                digest = line.get("aux", {}).get("Digest", digest)
        if digest is None:
            raise RegistryFailed(reference, "the push ended without a digest")
        self.pushed(reference, platform)
        return cast(str, digest)

    @contextmanager
    def _explained(self, reference: str) -> Iterator[None]:
        """Turn the exceptions of docker-py into ours."""
        try:
            yield
        except docker.errors.BuildError as error:
            raise ImageBuildFailed(reference, str(error), "") from error
        except docker.errors.APIError as error:  # the Engine answered; it is also a RequestException
            raise RegistryFailed(reference, self._missing.explain(str(error.explanation or error))) from error
        except requests.exceptions.RequestException as error:
            raise DockerUnreachable(os.environ.get("DOCKER_HOST", "the default socket"), str(error)) from error
        except (docker.errors.DockerException, StoreError) as error:  # a credential helper that fails
            raise RegistryFailed(reference, str(error)) from error

    def _build_failure(self, reference: str, reason: str, output: str) -> DeployError:
        """Name the folder where the Engine keeps its images when its disk is full."""
        if not told(reason):
            return ImageBuildFailed(reference, reason, output)
        # A path in the reason is one inside the image.
        place = f"the Docker Engine's folder {self._docker.info()['DockerRootDir']} (`docker system prune` empties it)"
        return NoSpace(f"image {reference} was not built, nothing was deployed", place, "no space left on device")

    def ensure(
        self,
        reference: str,
        context: Callable[[], IO[bytes]],
        report: Tell,
        platform: str,
        how: "BuildOptions | None" = None,
    ) -> str:
        """Return the digest of `repository:tag`; build and push only when the registry does not have it.

        `context` is called only then. Two who need the same image at once build it once.
        """
        if digest := self.pushed(reference, platform):
            return digest
        with _lock(reference):
            if digest := self.pushed(reference, platform):
                return digest
            with context() as tar:
                return self.build_and_push(reference, tar, report, platform, how)


@contextmanager
def _lock(name: str) -> Iterator[None]:
    """Hold a lock shared by the processes and threads of this user, until the block ends or the process dies.

    Raises `DeployError` when another holds it for longer than it could take.
    """
    file = user_cache() / "locks" / name.replace("/", "_")
    with disk_errors(f"the lock of {name} cannot be made", file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = FileLock(file, timeout=_LOCK_LIMIT_S, fallback_to_soft=False).acquire()
        except Timeout as error:
            raise DeployError(
                f"waited {_LOCK_LIMIT_S / 60:.0f} min for another run to make {name}; nothing was deployed; next: see "
                f"what it does (`fuser {file}` names its process), then run the command again"
            ) from error
    with held:
        yield


def installed_wheels(
    requirements: Path, digest: str, architecture: str, report: Tell, platform: str | None = None
) -> Path:
    """Return a folder with the locked wheels installed for the image's Python; made once per lock and architecture.

    `platform`: that wheels are chosen for, where it is not the one of all images of this architecture.

    `requirements` names every distribution with its hashes; `digest` is its sha256 as planned, and names the folder.
    Only wheels, no source distributions: nothing of a package runs on this machine. Raises `FileChanged` when the file
    has other bytes than were planned.
    """
    name = digest if architecture == "amd64" else f"{digest}-{architecture}"
    target = user_cache() / "wheels" / name
    if target.is_dir():
        os.utime(target)  # `slipway cache` removes what nobody used for long
        return target
    with _lock(f"wheels-{name}"):
        if target.is_dir():
            return target
        report("fetching the server's wheels")
        with disk_errors(f"{requirements}: the wheels were not installed", target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as making:
                copy = Path(making) / requirements.name
                copy.write_bytes(_as_planned(requirements, digest))
                _install(copy, platform or IMAGE_PLATFORMS[architecture], Path(making) / "deps")
                (Path(making) / "deps").rename(target)
    return target


def _as_planned(path: Path, sha256: str) -> bytes:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FileChanged(path, f"does not have the sha256 {sha256[:16]}, which was planned")
    return data


def _install(requirements: Path, platform: str, folder: Path) -> None:
    """Run uv, which knows this machine's package index and its certificates."""
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    command += [
        "--only-binary",
        ":all:",
        "--python-version",
        IMAGE_PYTHON,
        "--python-platform",
        platform,
    ]
    command += ["--link-mode", "copy", "--target", str(folder), "--requirements", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_WHEELS_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise WheelsFailed(requirements, f"no end after {_WHEELS_TIMEOUT_S} s") from error
    if done.returncode:
        what = f"{requirements}: the wheels were not installed"
        raise full(what, str(folder), [done.stderr]) or WheelsFailed(requirements, done.stderr.strip())
