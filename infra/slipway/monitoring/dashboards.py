"""Draw panels as dashboards of Grafana, with its foundation SDK. Grafana itself is whoever runs it."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from slipway.monitoring.panels import Panel, environment_panels, model_panels
from slipway.plan.model import ModelPlan, Plan
from slipway.values import names

_SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
"""The Prometheus that a person chooses above the panels: its id differs from Grafana to Grafana."""
_UID_MOST = 40
_WIDTH, _HEIGHT = 12, 8
"""Of a panel, in the 24 columns of Grafana's grid: two beside each other."""


def dashboards(plan: Plan, *, gateway: bool) -> dict[str, str]:
    """The dashboards of an environment and each of its models, as JSON by the names of their files."""
    environment = f"slipway-{plan.environment}"
    panels = environment_panels(plan.settings.namespace, gateway=gateway)
    found = {f"{environment}.json": _drawn(environment, f"{plan.environment}: all models", plan.environment, panels)}
    for model in plan.models:
        name = f"{environment}-{model.name}"
        found[f"{name}.json"] = _drawn(name, _title(model), plan.environment, model_panels(model))
    return found


def _title(model: ModelPlan) -> str:
    return f"{model.environment}: {model.name}"


def _drawn(name: str, title: str, environment: str, panels: Iterable[Panel]) -> str:
    made = (
        dashboard.Dashboard(title)
        .uid(names.fitted(name, _UID_MOST))
        .tags(["slipway", environment])
        .readonly()
        .refresh("30s")
        .time("now-3h", "now")
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )
    for panel in panels:
        made.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _panel(panel: Panel) -> timeseries.Panel:
    drawn = timeseries.Panel().title(panel.title).unit(panel.unit).datasource(_SOURCE).span(_WIDTH).height(_HEIGHT)
    for index, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expression).legend_format(query.legend)
        drawn.with_target(target.ref_id(chr(ord("A") + index)).datasource(_SOURCE))
    return drawn
