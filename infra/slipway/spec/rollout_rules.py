"""Refuse what a spec says beside a judged rollout, which needs calls to judge by."""

from typing import TYPE_CHECKING

from slipway.values.quantities import refusal

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first of what does not fit together; see `slipway.values.quantities.refusal`."""
    strategy, at = spec.rollout.strategy, ("rollout", "strategy")
    if not spec.rollout.judged:
        return
    if not spec.endpoint.public:
        problem = f"{strategy} splits the calls of a route, and without endpoint.public no route leads to the model"
        todo = "add endpoint: {public: true}, or write strategy: rolling"
        raise refusal(problem, f"{strategy} beside endpoint.public: true", todo, at)
    if spec.scale.to_zero is not None:
        problem = f"{strategy} is given beside scale.to_zero, and a model that sleeps has no calls to judge it by"
        raise refusal(problem, f"{strategy} without to_zero", "remove to_zero, or write strategy: rolling", at)
    sticky = spec.rollout.sticky
    if sticky is not None and sticky.by == "key" and spec.endpoint.auth == "none":
        problem = "key tells callers apart by what they show, and endpoint.auth is none"
        allowed = "by: header, or another auth"
        todo = "write sticky: {by: header, name: x-session}, or remove sticky"
        raise refusal(problem, allowed, todo, ("rollout", "sticky", "by"))
