"""List the rules: the name of each, what it is about, how strict it is, and why it exists.

Only the standard library is imported here and in the modules with the checks (`kubernetes`, `aws`, `resources`):
Pulumi's policy pack runs them in a virtual environment of its own.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: what messages, specs and docs call it.
        reason: why it is there.
        about: a model, whose spec may then justify an exception, or the environment, for which nobody may.
        seen_by: where it is checked: offline over the plan, by the engine over resources, or in both places.
        mandatory: whether what breaks it is refused; else it is only said.
    """

    id: str
    reason: str
    about: Literal["model", "environment"]
    seen_by: tuple[Literal["plan", "engine"], ...]
    mandatory: bool = True


RULES = (
    Rule(
        "image-by-digest",
        "a tag can be moved: only a digest says which bytes run",
        "model",
        ("plan", "engine"),
    ),
    Rule(
        "no-latest-tag",
        "`latest` is a different image tomorrow, and nobody can say which one ran yesterday",
        "model",
        ("plan", "engine"),
    ),
    Rule(
        "restricted-pod",
        "a compromised server must not reach its node: Pod Security Standard `restricted`",
        "model",
        ("plan", "engine"),
    ),
    Rule(
        "model-network-policy",
        "a model answers on its port and connects to nobody, unless a NetworkPolicy of its own allows it",
        "model",
        ("plan", "engine"),
    ),
    Rule(
        "public-endpoint-key",
        "what the internet can reach must authenticate its callers",
        "model",
        ("plan", "engine"),
    ),
    Rule(
        "public-auth",
        "who calls a model from outside is known: without keys or tokens there is no limit, no price and nobody to ask",
        "model",
        ("plan", "engine"),
    ),
    Rule(
        "spot-floor",
        "spot nodes are reclaimed at two minutes' notice: replicas that must always run need other nodes",
        "model",
        ("plan",),
    ),
    Rule(
        "data-residency",
        "a model that is bound to a region is neither stored nor run outside it",
        "model",
        ("plan",),
    ),
    Rule(
        "default-deny",
        "traffic that no NetworkPolicy allows is denied, also for pods that somebody adds later",
        "environment",
        ("plan", "engine"),
    ),
    Rule(
        "budget-at-rest",
        "an environment that exceeds its budget without any load will always exceed it",
        "environment",
        ("plan",),
    ),
    Rule(
        "budget-at-maximum",
        "sustained load could exceed the budget; the alarm reports it, nothing stops it",
        "environment",
        ("plan",),
        mandatory=False,
    ),
    Rule(
        "no-public-bucket",
        "weights and data are for those who may read them, never for everybody",
        "environment",
        ("engine",),
    ),
    Rule(
        "encryption-at-rest",
        "a disk, bucket, image, log or secret that leaks is worth nothing without its key",
        "environment",
        ("engine",),
    ),
    Rule(
        "encryption-in-transit",
        "a bucket that answers without TLS shows its contents to the network",
        "environment",
        ("engine",),
    ),
    Rule(
        "key-rotation",
        "a key that never changes opens everything that it ever encrypted",
        "environment",
        ("engine",),
    ),
    Rule(
        "no-open-security-group",
        "a port that is open to the world will be attacked",
        "environment",
        ("engine",),
    ),
    Rule(
        "no-open-cluster-api",
        "the API server of a cluster is reached from named addresses, never from everywhere",
        "environment",
        ("engine",),
    ),
    Rule(
        "no-public-database",
        "keys and ledger are for the service that keeps them: no other network reaches them, nobody knows the password",
        "environment",
        ("engine",),
    ),
    Rule(
        "kept-database",
        "a ledger that is lost cannot be made again: it is backed up, and nothing deletes it by mistake",
        "environment",
        ("engine",),
    ),
    Rule(
        "instance-metadata-v2",
        "version 1 of the metadata service gives a node's credentials to any pod that can make it fetch a URL",
        "environment",
        ("engine",),
    ),
    Rule(
        "least-privilege",
        "a wildcard grants what nobody intended",
        "environment",
        ("engine",),
    ),
    Rule(
        "tags",
        "without tags nobody knows who owns it, what it costs, and whether `down` left it behind",
        "environment",
        ("engine",),
    ),
)
"""Every rule, in the order of the reference page."""

BY_ID = {rule.id: rule for rule in RULES}

EXCEPTABLE = tuple(rule.id for rule in RULES if rule.about == "model")
"""Rules that a spec may justify an exception from."""
