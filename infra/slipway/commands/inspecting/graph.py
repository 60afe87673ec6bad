"""Run `graph`: draw what is planned, as SVG."""

import sys
from collections.abc import Sequence
from pathlib import Path

from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.offline import write
from slipway.edge.fit import placed
from slipway.environments.planning.fleet import fleet_of
from slipway.graph.fleet import fleet as draw_fleet
from slipway.graph.svg import svg
from slipway.graph.views import View, draw


def show_graph(context: EnvironmentContext, names: Sequence[str], view: View, out: Path | None) -> None:
    """Draw one picture of an environment, or of some models in it, into a file or to standard output.

    Raises `UserError` for more models than a picture can hold, `FileRefused` for a file that cannot be written.
    """
    models = [model.name for model in context.models(names)]
    plan, fleet = context.plan.select(models), fleet_of(context.settings)
    if view != "deployment":
        context.refuse_fleet()
    text = svg(draw(plan, view) if fleet is None else draw_fleet(plan, fleet, placed(fleet, models)))
    if out is None:
        sys.stdout.write(text)
    else:
        write({out.name: text}, out.parent)
