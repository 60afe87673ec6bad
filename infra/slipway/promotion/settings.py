"""Say in what a promoted release differs from the one that was judged: settings, and nothing that is only a name."""

import re
from typing import Any

from slipway.deploy.changes import applied_differences
from slipway.plan.model import ModelPlan
from slipway.render.model import render_model


def setting_differences(first: ModelPlan, second: ModelPlan) -> tuple[str, ...]:
    """Where the objects of a model differ between two environments, but for the names of environment and namespace."""
    names = [(first.environment, second.environment), (first.namespace, second.namespace)]

    def alike(old: Any, new: Any) -> bool:
        return bool(old == new) or (isinstance(old, str) and isinstance(new, str) and _renamed(old, new, names))

    before, after = ((render_model(model, model.image.reference), model.release_digest) for model in (first, second))
    return applied_differences(before, after, alike)


def _renamed(old: str, new: str, names: list[tuple[str, str]]) -> bool:
    """Whether a text is another one with names of the first environment replaced by those of the second."""
    there = dict(names)
    # A longer name first: a namespace often begins with what the environment is called.
    wanted = "|".join(re.escape(name) for name in sorted(there, key=len, reverse=True))
    parts = re.split(f"({wanted})", old)
    pattern = "".join(
        f"(?:{re.escape(part)}|{re.escape(there[part])})" if part in there else re.escape(part) for part in parts
    )
    return re.fullmatch(pattern, new) is not None
