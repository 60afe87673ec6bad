"""Make images that hold programs of one pinned Go module and nothing else: built once, kept, pushed where missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from slipway.local.build import toolchain
from slipway.local.build.golang import Go
from slipway.local.cluster import facts, images
from slipway.local.host.steps import Report

_USER = "65532:65532"


@dataclass(frozen=True)
class ProgramImage:
    """An image in the local registry: `slipway/NAME:VERSION`."""

    name: str
    version: str
    programs: Mapping[str, toolchain.GoProgram]
    """By their paths in the image; the first is the entrypoint. All are of one module."""

    @property
    def repository(self) -> str:
        """Where the local registry has it."""
        return f"slipway/{self.name}"


@dataclass(frozen=True)
class Kept:
    """An image as `bring` has put it into its folder."""

    image: ProgramImage
    folder: Path

    @property
    def digest(self) -> str:
        """`sha256:...` of its manifest."""
        return images.kept_digest(self.folder)

    @property
    def reference(self) -> str:
        """What a pod names: by digest, so that other content is another image."""
        return f"{facts.REGISTRY}/{self.image.repository}@{self.digest}"

    def push(self) -> bool:
        """Have it in the registry; returns whether it had to be sent. LocalError: refused, or no answer."""
        return images.ensure(self.folder, facts.REGISTRY, self.image.repository, self.image.version)

    def is_in_registry(self) -> bool:
        """Whether the registry has exactly this one. LocalError: no answer."""
        return images.tagged(facts.REGISTRY, self.image.repository, self.image.version) == self.digest


def bring(image: ProgramImage, go: Go, report: Report) -> Kept:
    """The image, from the cache or made now. LocalError: a module cannot be had, or the compiler's words."""
    programs = image.programs.values()
    recipe = [Path(__file__).read_bytes(), Path(str(images.__file__)).read_bytes(), *_flags(image)]
    (module,) = {program.module for program in programs}
    digest = toolchain.digest(module, go.version.encode(), *recipe)
    return Kept(image, toolchain.cached(f"image-{image.name}", digest, lambda folder: _make(image, go, folder, report)))


def _flags(image: ProgramImage) -> list[bytes]:
    """How each program is built; where its module lies on this machine is no part of it."""
    built = ((path, each.package, each.ldflags, each.tags) for path, each in image.programs.items())
    return [repr(each).encode() for each in built]


def _make(image: ProgramImage, go: Go, folder: Path, report: Report) -> None:
    files = {}
    for path, program in image.programs.items():
        made = folder / PurePosixPath(path).name
        toolchain.compile_program(program, go, made, report)
        files[PurePosixPath(path)] = made
    report(f"making the image {image.name}")
    entrypoint = next(iter(image.programs))
    images.save(images.build(files, [entrypoint], user=_USER), folder)
    for made in files.values():
        made.unlink()
