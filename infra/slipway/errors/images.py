"""Say what failed while an image was built or pushed, and what to do next."""

from pathlib import Path

from slipway.errors.base import DeployError


class DockerUnreachable(DeployError):
    """No Docker Engine answers, so that no image can be looked up or built."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            f"the Docker Engine at {host} does not answer: {reason}; "
            "next: start it, or set DOCKER_HOST, then run the command again; nothing was changed"
        )


class RegistryFailed(DeployError):
    """The registry did not answer, or refused."""

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(
            f"registry of {reference}: {reason}; "
            "next: check that the registry answers, has space and that `docker login` was done, then run again"
        )


class OtherPlatform(DeployError):
    """The registry has an image under the planned tag that the planned nodes cannot run."""

    def __init__(self, reference: str, there: str, wanted: str) -> None:
        super().__init__(
            f"image {reference} in the registry is for {there}, and the nodes are {wanted}: it would not run there; "
            "nothing was deployed; next: delete that image, then run the command again where Docker builds for "
            f"{wanted} (`docker run --rm --platform {wanted} IMAGE uname -m` shows whether it does)"
        )


class BaseOfOtherPlatform(DeployError):
    """An image is to be built for a platform that its base image is not for."""

    def __init__(self, image: str, there: str, wanted: str) -> None:
        super().__init__(
            f"base_image {image} is for {there}, and an image for {wanted} is to stand on it; nothing was deployed; "
            f"next: name an image in the settings that its registry has for {wanted}, too, under one tag, or put the "
            "model on machines of the other architecture alone"
        )


class FileChanged(DeployError):
    """A file that goes into an image is another one than was planned."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path}: changed after it was planned: it {problem}; nothing was pushed or deployed; "
            "next: run the command again to deploy what the file holds now, or restore the planned file"
        )


class ImageBuildFailed(DeployError):
    """The Docker Engine could not build an image."""

    def __init__(self, reference: str, reason: str, output: str) -> None:
        printed = f"\nlast lines of the build:\n{output.strip()}" if output.strip() else ""
        super().__init__(f"image {reference} was not built: {reason}; nothing was deployed{printed}")


class WheelsFailed(DeployError):
    """The locked wheels of the model server could not be fetched."""

    def __init__(self, requirements: Path, reason: str) -> None:
        super().__init__(
            f"{requirements}: the wheels were not installed: {reason}; "
            "next: check that the package index answers, then run the command again; nothing was deployed"
        )


class RepositoryMissing(RegistryFailed):
    """The registry makes no repository by itself, and has none of that name."""


class ImageMissing(RegistryFailed):
    """The registry does not have an image, or a part of it, any more."""


class TagTaken(DeployError):
    """An image cannot be copied under a tag that names another image already."""

    def __init__(self, target: str, there: str, wanted: str) -> None:
        super().__init__(
            f"image {target}: is {there} already, made there from the same sources, and {wanted} was to be copied; a "
            "tag is never moved; nothing was changed; next: promote the next release whose image differs, or remove "
            "the tag from the registry if nothing runs that image"
        )


class CopyFailed(DeployError):
    """An image was not copied to another repository."""

    def __init__(self, source: str, target: str, reason: object) -> None:
        super().__init__(
            f"image {source} was not copied to {target}, nothing was deployed, and what arrived is not sent again by "
            f"the next run: {reason}"
        )
