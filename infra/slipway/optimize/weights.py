"""Contains weights as steps hand them on: a folder with all their files, and which of them is the main one."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slipway.reading.digests import sha256_of

_KIND = "a file of weights"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file: its name in the folder with `/`, bytes, sha256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Weights:
    """Weights in a folder that holds nothing else.

    Attributes:
        folder: where they are.
        main: name of the main file in it; of a SavedModel, the folder with saved_model.pb.
        format: as `artifact.format` names it.
    """

    folder: Path
    main: str
    format: str

    @property
    def path(self) -> Path:
        """The main file."""
        return self.folder / self.main

    @cached_property
    def files(self) -> tuple[WeightsFile, ...]:
        """All files, the main one first, the others by their names. Reads every byte once."""
        names = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
        names.sort(key=lambda name: name != self.main)
        paths = ((name, self.folder / name) for name in names)
        return tuple(WeightsFile(name, path.stat().st_size, sha256_of(path, _KIND)) for name, path in paths)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @cached_property
    def sha256(self) -> str:
        """Of the file if it is alone, else of the names and digests of all."""
        if len(self.files) == 1:
            return self.files[0].sha256
        together = "".join(f"{file.name}\0{file.sha256}\0" for file in self.files)
        return hashlib.sha256(together.encode()).hexdigest()
