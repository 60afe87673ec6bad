"""Take feedback on answers: by way of the gateway, from keys with that role."""

import math
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, RootModel, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from slipway_keys.admin.bodies import Document
from slipway_keys.admin.http import as_json, document, failure, guarded
from slipway_keys.admin.refusals import Refused, absent, wrong
from slipway_keys.credentials.passes import Passes
from slipway_keys.database import quality
from slipway_keys.database.pool import Database
from slipway_keys.database.quality import Feedback
from slipway_keys.rules.routes import Routes
from slipway_keys.values.quality import MOST_LABEL, MOST_ROWS

MOST_ITEMS = 500


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("a finite number is expected")
    return number


_Number = Annotated[float, Field(strict=False), AfterValidator(_finite)]


class Item(Document):
    """Feedback on one row of an answer.

    `id`: the answer's x-request-id. `row`: of it, from 0. `label`: what would have been right: a class, or a number.
    `rating`: how good it was. `outcome`: what came of it.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    row: Annotated[int, Field(ge=0, lt=MOST_ROWS)] = 0
    label: Annotated[str, Field(min_length=1, max_length=MOST_LABEL)] | bool | int | float | None = None
    rating: _Number | None = None
    outcome: _Number | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.label is None and self.rating is None and self.outcome is None:
            raise ValueError("label, rating or outcome is expected")
        return self


class _Items(RootModel[Item | Annotated[list[Item], Field(min_length=1, max_length=MOST_ITEMS)]]):
    """One, or a list."""


def feedback_route(database: Database, passes: Passes, rules: Routes, count: Callable[[str, str, int], None]) -> Route:
    """The route that the gateway leads feedback to.

    Args:
        database: where answers are kept.
        passes: tell whether the gateway let the caller pass.
        rules: of all models.
        count: counts feedback: model, what became of it, how often.
    """

    async def take(request: Request) -> Response:
        model = request.path_params["model"]
        if not passes.check_feedback(model, request.headers.get("x-slipway-pass")):
            problem = "feedback comes by way of the gateway; next: send it to the model's address, with a key"
            raise Refused(HTTPStatus.FORBIDDEN, problem)
        section = rules.measured().get(model)
        if section is None:
            raise absent("model", model, "takes no feedback", ", ".join(sorted(rules.measured())) or "none")
        root = (await document(request, _Items)).root
        items = root if isinstance(root, list) else [root]
        given = [_feedback(number, item, section.task) for number, item in enumerate(items)]
        states = await quality.give(database, model, given, section.within_s)
        counts = Counter(states)
        for state, times in counts.items():
            count(model, state, times)
        results = [{"id": item.id, "row": item.row, "state": state} for item, state in zip(items, states, strict=True)]
        return as_json({"counts": counts, "results": results})

    return Route("/feedback/{model}", guarded(take, failure), methods=["POST"])


def _feedback(number: int, item: Item, task: str) -> Feedback:
    label: Any = item.label
    if label is not None and task == "regression":
        if isinstance(label, bool | str) or not math.isfinite(label):
            raise wrong(f"items.{number}.label", "is not a number, which this model gives", "a finite number")
        label = repr(float(label))
    elif label is not None:
        label = _as_class(number, label)
    return Feedback(item.id, item.row, label, item.rating, item.outcome)


def _as_class(number: int, label: str | bool | float) -> str:
    """A class as the model server names it: 7 and 7.0 are the same, true is `true`."""
    if isinstance(label, str):
        if "\0" in label:
            raise wrong(f"items.{number}.label", "has a character of value 0", "text without it")
        return label
    if isinstance(label, bool):
        return str(label).lower()
    if isinstance(label, float) and not label.is_integer():
        raise wrong(f"items.{number}.label", "is a fraction, which no class is", "a text, a whole number, true, false")
    return str(int(label))
