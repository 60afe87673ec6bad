"""Print the software bill of materials of a model's image."""

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.sbom.image import sbom_of


def show_sbom(context: EnvironmentContext, model: str) -> None:
    """Print it as CycloneDX in JSON; raises what reading and planning raises."""
    (plan,) = context.models([model])
    console.out.out(sbom_of(plan).decode(), end="", highlight=False)
