"""Define the parts of the server's configuration: frozen, strict, and without keys that nothing reads."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
