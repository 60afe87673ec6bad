"""Describe who holds what an environment keeps, as far as its settings say it: what reports on controls read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Custody:
    """Who holds an environment, where it is, and for how long what is kept there.

    Attributes:
        home: what it is in, for people: an account and a region, or a context of a kubeconfig.
        administrators: who may do everything in its cluster, then who may do less; None where others decide that.
        log_days: for how long logs of the cluster are kept; None where others decide that.
        log_field: the field of the settings that says it; empty where none does.
        backup_days: days that the database of keys and ledger can go back to; None where nothing keeps them, or others.
        enforces_policies: whether its network enforces NetworkPolicies; None where nobody knows.
    """

    home: str
    administrators: tuple[str, ...] | None = None
    log_days: int | None = None
    log_field: str = ""
    backup_days: int | None = None
    enforces_policies: bool | None = None
