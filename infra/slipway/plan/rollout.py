"""Hold what is judged of a new release beside the old one, and by which rules: the judge in the cluster reads it.

`to_json` gives this (the key `plan.json` of the ConfigMap `names.rollout(model)`; times in seconds, shares 0..1):

    {
      "id": "3f2a9c01b4de",                          12 hex digits; the annotation of the route during this rollout
      "model": "digits", "namespace": "models", "environment": "local",
      "old": {"version": "1.0.0", "release": "<64 hex>", "service": "digits"},
      "new": {"version": "1.1.0", "release": "<64 hex>", "service": "digits-candidate"},
      "port": 80,                                    of both Services
      "steps": [0.0, 0.05, 0.25, 1.0],               the new release's share of the calls; 0.0: replayed calls only
      "hold_s": 120.0, "deadline_s": 1800.0,         least and most time of a step
      "shadow": 0.1,                                 share of the calls that are replayed to both
      "sticky": null | {"by": "key"} | {"by": "header", "name": "x-session"},
      "header": null | {"name": "x-variant", "value": "next"},
      "judge": {"errors": 0.01, "p95_ms": 120.0 | null, "agreement": 0.99 | null, "tolerance": 0.001,
                "outputs": ["label"] | null, "least_requests": 500},
      "runtime": "onnxruntime",                      whose protocol the answers are in
      "prometheus": "http://prometheus-operated.monitoring:9090",
      "started": "2026-01-31T12:00:00Z",
      "route": {"weight": 1000, "weighted": 0, "following": []},
      "clusters": {"old": ["httproute/models/digits/rule/0/backend/0"],
                   "new": ["httproute/models/digits/rule/0/backend/1"]}
    }

`route` says how weights are set. Each rule of the HTTPRoute has the old Service at `backendRefs/0` and the new one at
`backendRefs/1`; the weights of a rule add up to `weight`. A step of share `s` gives the rule at index `weighted` the
weights `weight * (1 - s)` and `weight * s`, and those at `following` 0 and `weight` where `s` is above 0, else `weight`
and 0. Rules that are in neither keep theirs. `clusters` are Envoy's names for both sides, in its metrics too.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Stage = Literal["begin", "conclude"]
"""`begin`: the old release as it was, the new one and the judge beside it. `conclude`: the new release becomes the
stable one while its candidate has all calls, and nothing is judged any more."""
WEIGHT = 1000
"""What the weights of a rule add up to: a step may be a tenth of a percent."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two releases. `release`: digest, 64 hex digits. `service`: name of the Service of its pods."""

    version: str
    release: str
    service: str


@dataclass(frozen=True, slots=True)
class Sticky:
    """What keeps a caller with one release: its `key`, or the header `name`."""

    by: Literal["key", "header"]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The header and its value by which a caller asks for the new release."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What the new release is held to.

    Attributes:
        errors: share of errors that it may have beyond the old one's.
        p95_ms: milliseconds, None for 1.1 times the old one's.
        agreement: least share of answers that agree with the old one's, None where answers are not compared.
        tolerance: difference up to which two numbers agree.
        outputs: which are compared, None for all.
        least_requests: with fewer, no step is passed.
    """

    errors: float
    p95_ms: float | None
    agreement: float | None
    tolerance: float
    outputs: tuple[str, ...] | None
    least_requests: int


@dataclass(frozen=True, slots=True)
class WeightedRules:
    """The rules of the HTTPRoute whose weights the judge sets, by their index; see the module."""

    weighted: int
    following: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Clusters:
    """The names of Envoy's clusters with the old release's pods, and of those with the new one's."""

    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """One rollout of a new release beside the old one; the fields are described in the module."""

    id: str
    model: str
    namespace: str
    environment: str
    old: Side
    new: Side
    port: int
    steps: tuple[float, ...]
    hold_s: float
    deadline_s: float
    shadow: float
    sticky: Sticky | None
    header: Chosen | None
    judge: Limits
    runtime: str
    prometheus: str
    started: str

    @property
    def rules(self) -> WeightedRules:
        """Which rules of the route are set how: those that a header leads to come first, the weighted one last."""
        following = (0,) if self.header is not None else ()
        if self.sticky is None:
            return WeightedRules(len(following), following)
        # Of callers that the keys service gave to the new release, of those of the old one, then the shares.
        return WeightedRules(len(following) + 2, (*following, len(following)))

    @property
    def clusters(self) -> Clusters:
        """Envoy's clusters: Envoy Gateway makes one of each backend of each rule, and names it by their indices."""
        route = f"httproute/{self.namespace}/{self.model}"
        rules = range(self.rules.weighted + 1)
        old, new = (tuple(f"{route}/rule/{rule}/backend/{backend}" for rule in rules) for backend in (0, 1))
        return Clusters(old, new)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        rules, clusters = self.rules, self.clusters
        return {
            **asdict(self),
            "steps": list(self.steps),
            "sticky": self.sticky and {name: value for name, value in asdict(self.sticky).items() if value is not None},
            "judge": asdict(self.judge) | {"outputs": None if self.judge.outputs is None else list(self.judge.outputs)},
            "route": {"weight": WEIGHT, "weighted": rules.weighted, "following": list(rules.following)},
            "clusters": {"old": list(clusters.old), "new": list(clusters.new)},
        }

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> "RolloutPlan":
        """The rollout that `to_json` gave; raises `KeyError` or `TypeError` for anything else."""
        derived = {"route", "clusters"}
        own = {name: value for name, value in read.items() if name not in derived}
        outputs = own["judge"]["outputs"]
        return cls(
            **own
            | {
                "old": Side(**own["old"]),
                "new": Side(**own["new"]),
                "steps": tuple(own["steps"]),
                "sticky": None if own["sticky"] is None else Sticky(**own["sticky"]),
                "header": None if own["header"] is None else Chosen(**own["header"]),
                "judge": Limits(**own["judge"] | {"outputs": None if outputs is None else tuple(outputs)}),
            }
        )
