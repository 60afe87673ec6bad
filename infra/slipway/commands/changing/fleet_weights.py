"""Have the weights of a fleet's models where its devices fetch them, and delete what none needs any more."""

from functools import partial
from pathlib import Path

from slipway import console
from slipway.edge.conduct import Conductor
from slipway.edge.shelf import Shelf, shelf_path
from slipway.edge.shelving import shelved
from slipway.edge.store import Store
from slipway.plan.model import ModelPlan
from slipway.settings.edge import EdgeSettings
from slipway.values.aliases import Json


def on_shelf(model: ModelPlan, store: Store) -> Json | None:
    """Have a model's weights where devices fetch them; None where they are in its image."""
    from slipway.components.image.planned import bring_weights  # noqa: PLC0415 - Pulumi's SDK takes a second

    stored = model.delivery.stored
    if stored is None:
        return None

    def tell(text: str) -> None:
        console.message(f"{model.name}: {text}")

    return shelved(_shelf(store), stored, partial(bring_weights, model), tell)


def tidy_shelf(settings: EdgeSettings, conductor: Conductor, store: Store) -> None:
    """Delete weights that no device is to run, or to go back to; says how many objects."""
    # A control side in a cluster has none.
    count = _shelf(store).tidy(conductor.needed()) if settings.cluster is None else 0
    if count:
        console.message(f"deleted {count} objects of weights that no device needs any more")


def _shelf(store: Store) -> Shelf:
    return Shelf(shelf_path(Path(store.where)))
