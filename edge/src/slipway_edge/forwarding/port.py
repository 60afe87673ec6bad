"""What the agent asks of whatever leads callers to the version in service."""

from typing import Protocol


class Ports(Protocol):
    """Where callers come in, by the port of the document. Raises `Away` where it cannot be changed now."""

    def lead(self, port: int, address: tuple[str, int]) -> None:
        """New connections go to this address."""

    def leads(self, port: int) -> tuple[str, int] | None:
        """Where the port leads; None: nowhere."""

    def close(self, port: int) -> None:
        """Nobody comes in there any more."""
