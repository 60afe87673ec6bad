"""Send requests to a live model, past its gateway, and show what it answers."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

from slipway import console
from slipway.artifacts.golden_request import GoldenRequest
from slipway.cluster.passes import passes_to
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.own_servers import asked_in_a_pod
from slipway.commands.inspecting.waking import awake
from slipway.deploy.judge import PASSING
from slipway.deploy.record import live_model, saved
from slipway.errors.base import FileRefused
from slipway.errors.failures import ModelNotServing
from slipway.errors.reaching import ApiRefused
from slipway.runtimes.registry import RUNTIMES

IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
"""Endings of files that are sent as pictures."""
_EXTRA_S = 5.0
_REACH_LIMIT_S = 15.0
_REACH_RETRY_S = 0.5
_REFUSALS = (400, 413, 415, 422)

Ask = Callable[[bytes], bytes]
"""Takes the body of a request, as JSON; gives that of the answer."""


def show_prediction(context: EnvironmentContext, model: str, name: str, data: bytes) -> None:
    """Send a file to a live model, where its runtime takes requests, and print the answer as JSON."""
    ask = asker(context, model, live_check(context, model), name)
    console.document(json.loads(ask(request_body(name, data))))


def live_check(context: EnvironmentContext, model: str) -> GoldenRequest:
    """The golden request of a live model, whose runtime may be another than the spec has by now.

    Raises `ModelNotServing` for a model that has neither record nor spec.
    """
    kept = saved(context.cluster, model)
    if kept is not None:
        return kept.check
    for plan in context.plan.models:
        if plan.name == model:
            return plan.check
    raise ModelNotServing(context.name, model)


def asker(context: EnvironmentContext, model: str, check: GoldenRequest, name: str) -> Ask:
    """What asks a live model, and wakes one that sleeps.

    Args:
        context: its environment.
        model: its name.
        check: its golden request, which says how it is asked.
        name: of the file that requests are made of, for messages.

    The function that is returned raises `ModelNotServing`, and `FileRefused` for a request that the model refuses.
    """
    planned = {plan.name: plan for plan in context.plan.models}.get(model)
    limit = (planned.spec.endpoint.timeout if planned else 30.0) + _EXTRA_S
    path, asked = RUNTIMES[check.runtime].predict_path, check.asked
    passes = passes_to(context.cluster, model, check.members)

    def send(body: bytes) -> bytes:
        if asked is not None:
            return asked_in_a_pod(context, model, asked, body, limit)
        return context.cluster.through_service(model, path, body, "application/json", limit, headers=passes.headers())

    def ask(body: bytes) -> bytes:
        try:
            return _awake(context, model, lambda: send(body))
        except ApiRefused as error:
            if error.status in PASSING:
                raise ModelNotServing(context.name, model) from error
            if error.status in _REFUSALS:
                raise FileRefused(
                    name, f"the model refused it: {error.message}", "see the message", "correct it"
                ) from error
            raise

    return ask


def _awake(context: EnvironmentContext, model: str, ask: Callable[[], bytes]) -> bytes:
    """The answer of a model, which is woken when it has none because it sleeps."""
    try:
        return ask()
    except ApiRefused as error:
        live = live_model(context.cluster, model) if error.status in PASSING else None
        if live is None or not live.asleep:
            raise
    with awake(context, live):
        deadline = time.monotonic() + _REACH_LIMIT_S
        while True:
            try:
                return ask()
            except ApiRefused as error:
                # The API server does not know the new replica yet.
                if error.status not in PASSING or time.monotonic() > deadline:
                    raise
            time.sleep(_REACH_RETRY_S)


def request_body(name: str, data: bytes) -> bytes:
    """Return the body of a request for a file: an image is sent as base64, anything else must be JSON."""
    if is_image(name):
        return json.dumps({"image": base64.b64encode(data).decode()}).encode()
    try:
        json.loads(data)
    except (ValueError, RecursionError) as error:
        allowed = f"JSON as the model takes it, or an image ({', '.join(IMAGES)})"
        raise FileRefused(name, f"is not JSON: {error}", allowed, "correct it, or name an image file") from None
    return data


def is_image(name: str) -> bool:
    """Whether a file is sent as a picture, by its name."""
    return Path(name).suffix.lower() in IMAGES
