"""Say where a person's files are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """Where a person's files are: specs, and settings."""

    models: Path
    settings: Path
