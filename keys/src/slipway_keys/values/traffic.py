"""How often one caller calls one model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traffic:
    """Calls of one account and model.

    Attributes:
        account: of a key and those that it was rotated to, or `oidc:` and a subject.
        model: that it calls.
        calls: of the last 24 hours.
        usual: of the busiest of the seven days before; 0 for a new caller.
    """

    account: str
    model: str
    calls: int
    usual: int
