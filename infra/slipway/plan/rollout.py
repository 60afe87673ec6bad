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
      "timeout_s": 5.0,                              longest time of a call
      "route": {"weight": 1000000, "weighted": 0, "following": []},
      "clusters": {"old": ["httproute/models/digits/rule/0/backend/0"],
                   "new": ["httproute/models/digits/rule/0/backend/1"]}
    }

`route` says how weights are set. The rules of the HTTPRoute at `weighted` and `following` have the old Service at
`backendRefs/0` and the new one at `backendRefs/1`; the weights of a rule add up to `weight`. A step of share `s` above
0 gives the rule at `weighted` the weights `weight * (1 - s)` and `weight * s`, at least 1 each, and those at
`following` 1 and `weight - 1`. At 0 all of them have `weight` and 0. Other rules have one Service each, and keep it.
`clusters` are Envoy's names for both sides, in its metrics too.

Envoy Gateway makes nothing of a backend with the weight 0, and Envoy drops what it was before it has the new weights:
calls to it are answered with 500 in between. So a side that had calls first gets the weight 1, and 0 only a few seconds
later (docs/adr/0053-a-candidate-beside-the-model.md).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Stage = Literal["prepare", "begin", "conclude"]
"""`prepare`: the new release and the judge beside the old one, which has all calls. `begin`: the route names both, once
they are there. `conclude`: the new release becomes the stable one while its candidate has all calls."""
WEIGHT = 1_000_000
"""What the weights of a rule add up to, the most that a route may have: the least share is nobody's."""


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
    """The rules of the HTTPRoute whose weights the judge sets, by their index; see the module.

    `fixed`: the two rules of callers that the keys service keeps with the new release, and with the old one.
    """

    weighted: int
    following: tuple[int, ...] = ()
    fixed: tuple[int, ...] = ()


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
    timeout_s: float
    started: str

    @property
    def rules(self) -> WeightedRules:
        """Which rules the route has. The one of a route without a rollout stays the first, and so do its clusters."""
        following = (1,) if self.header is not None else ()
        first = 1 + len(following)
        return WeightedRules(0, following, () if self.sticky is None else (first, first + 1))

    @property
    def clusters(self) -> Clusters:
        """Envoy's clusters: Envoy Gateway makes one of each backend of each rule, and names it by their indices."""
        rules = self.rules
        both = (rules.weighted, *rules.following)
        old, new = ([self._cluster(rule, backend) for rule in both] for backend in (0, 1))
        if rules.fixed:
            new.append(self._cluster(rules.fixed[0], 0))
            old.append(self._cluster(rules.fixed[1], 0))
        return Clusters(tuple(old), tuple(new))

    def _cluster(self, rule: int, backend: int) -> str:
        return f"httproute/{self.namespace}/{self.model}/rule/{rule}/backend/{backend}"

    def weights(self, share: float) -> tuple[int, int]:
        """The weights of both sides in the weighted rule for a share of the new one's, from 0 to 1."""
        if share == 0:
            return WEIGHT, 0
        new = min(WEIGHT - 1, max(1, round(WEIGHT * share)))
        return WEIGHT - new, new

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
