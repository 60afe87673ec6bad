"""Run `graph`: draw what is planned, as SVG."""

import sys
from collections.abc import Sequence
from pathlib import Path

from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.offline import write
from slipway.graph.svg import svg
from slipway.graph.views import View, draw


def show_graph(context: EnvironmentContext, names: Sequence[str], view: View, out: Path | None) -> None:
    """Draw one picture of an environment, or of some models in it, into a file or to standard output.

    Raises `UserError` for more models than a picture can hold, `FileRefused` for a file that cannot be written.
    """
    context.refuse_fleet()
    models = [model.name for model in context.models(names)]
    text = svg(draw(context.plan.select(models), view))
    if out is None:
        sys.stdout.write(text)
    else:
        write({out.name: text}, out.parent)
