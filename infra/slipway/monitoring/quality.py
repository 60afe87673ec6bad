"""Write the alert about a model whose answers turn out to be worse than its spec allows."""

from typing import Any

from slipway.monitoring.alert import alert, series_of
from slipway.plan.model import ModelPlan
from slipway.spec.quality import QualityAlert
from slipway.values.windows import format_window

PAGE = "docs/how-to/feedback.md"
ALERT = "SlipwayQuality"
LEAST_LABELS = 100
"""Of fewer, one wrong answer more moves a share by over a percent: too little to wake somebody for."""
_LASTING = "5m"


def quality_group(model: ModelPlan, wanted: QualityAlert) -> dict[str, Any]:
    """The group with the one alert, of each version by itself; each replica of the keys service measures the same."""
    quality = model.spec.quality
    if quality is None:
        raise ValueError(f"the plan of {model.name} has no quality")
    sign, said = ("<", "below") if wanted.below is not None else (">", "above")
    worst = "min" if wanted.below is not None else "max"
    measured = f'slipway_keys_quality{{{series_of(model)},metric="{wanted.metric}"}}'
    labels = f"slipway_keys_quality_labels{{{series_of(model)}}}"
    expression = (
        f"{worst} by (version) ({measured}) {sign} {wanted.bound:.12g}\n"
        f"and on (version) max by (version) ({labels}) >= {LEAST_LABELS}"
    )
    window = format_window(quality.window)
    summary = f"The {wanted.metric} of model {model.name} is {said} {wanted.bound:.12g}, by the feedback of {window}"
    rule = alert(model, ALERT, expression, lasting=_LASTING, severity="warning", summary=summary, page=PAGE)
    return {"name": f"slipway-{model.namespace}-{model.name}-quality", "interval": "1m", "rules": [rule]}
