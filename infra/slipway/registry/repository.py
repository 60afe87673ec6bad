"""Name a repository of images: which registry it is in, and where that is asked."""

import ipaddress
from dataclasses import dataclass

_HUB = "docker.io"
_HUB_API = "registry-1.docker.io"
"""Docker Hub is named by one host, and answers at another."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository: `host` is its registry's, with the port where there is one, `path` its name there."""

    host: str
    path: str

    @classmethod
    def of(cls, name: str) -> "Repository":
        """Read `registry.example.com/team/model`; a tag or digest is none of it."""
        host, _, path = name.partition("/")
        return cls(host, path)

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"

    @property
    def plain(self) -> bool:
        """Whether its registry is asked without TLS: on loopback only, as Docker does."""
        host = self.host.rpartition(":")[0] or self.host
        try:
            return ipaddress.ip_address(host.strip("[]")).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def url(self) -> str:
        """Where its registry's API is, with what belongs to the repository below it."""
        host = _HUB_API if self.host == _HUB else self.host
        return f"{'http' if self.plain else 'https'}://{host}/v2/{self.path}"
