"""Name the pictures that there are of a plan."""

from collections.abc import Callable, Mapping
from typing import Literal

from slipway.errors.base import Place, UserError
from slipway.graph.drawing import Picture
from slipway.graph.security import security
from slipway.graph.ways import business, deployment, monitoring, user
from slipway.plan.model import Plan

View = Literal["deployment", "monitoring", "security", "business", "user"]
VIEWS: Mapping[View, Callable[[Plan], Picture]] = {
    "deployment": deployment,
    "monitoring": monitoring,
    "security": security,
    "business": business,
    "user": user,
}
MOST = 30
"""Models in one picture: with more of them nobody can follow the arrows."""


def draw(plan: Plan, view: View) -> Picture:
    """Draw one picture of a plan; raises `UserError` for more than `MOST` models."""
    if len(plan.models) > MOST:
        allowed = f"at most {MOST} models in a picture"
        todo = f"name some of them: slipway graph {plan.environment} MODEL"
        raise UserError(Place(f"environment {plan.environment}"), "models", f"{len(plan.models)} models", allowed, todo)
    return VIEWS[view](plan)
