"""Show which parts of a request decided the answer of a live model."""

from pathlib import Path

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.advise import save
from slipway.commands.inspecting.predicting import asker, is_image, live_check
from slipway.errors.base import FileRefused, SlipwayError
from slipway.explanation import shown
from slipway.explanation.occlusion import ReleaseChanged, explain
from slipway.explanation.sample import Unexplainable, picture, tensors
from slipway.runtimes.base import Answer, BadAnswer
from slipway.runtimes.registry import RUNTIMES
from slipway.simulation.chart import require
from slipway.simulation.page import page

_TOLD_EVERY = 64


def show_explanation(
    context: EnvironmentContext,
    model: str,
    file: tuple[str, bytes],
    output: str | None,
    baseline: float | None,
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    """Hide one part of a sample after the other, ask the live model each time, and print what its answer loses.

    Args:
        context: the environment.
        model: name of the model.
        file: name and content of the sample.
        output: what of the answers is measured; None: see `explain`.
        baseline: what is put in a hidden part's place; None: see `hidden_value`.
        html: where the page goes; None for none.
        as_json: one document instead of lines.

    Raises:
        FileRefused: the sample, or the answer to it, cannot be taken apart, or the page cannot be written.
        ModelNotServing: the model does not answer.
    """
    if html is not None:
        require("--html")
    name, data = file
    check = live_check(context, model)
    send = asker(context, model, check, name)

    def ask(body: bytes) -> Answer:
        return RUNTIMES[check.runtime].answer(send(body), check.expect)

    def tell(number: int, of: int) -> None:
        if number % _TOLD_EVERY == 0 and number < of:
            console.message(f"{number} of {of} parts hidden")

    try:
        sample = (picture if is_image(name) else tensors)(data, baseline)
        found = explain(sample, ask, output, tell)
    except Unexplainable as problem:
        raise FileRefused(name, str(problem), problem.allowed, "correct it, or name another sample") from None
    except BadAnswer as problem:
        raise SlipwayError(f"model {model}: {problem}; next: `slipway predict {context.name} {model} {name}`") from None
    except ReleaseChanged:
        raise SlipwayError(
            f"model {model}: another release answered in between; nothing is explained; next: run the command again "
            "when its rollout is over"
        ) from None
    lines = list(shown.lines(found))
    if html is not None:
        title = f"What {model} looked at in {Path(name).name}"
        save(html, page(title, lines[:1], shown.draw(found, sample), shown.tables(found)))
    if as_json:
        console.document({"environment": context.name, "model": model, **shown.document(found)})
        return
    for line in lines:
        console.result(line)
    console.result("")
    console.table(*shown.table(found, shown.LISTED))
