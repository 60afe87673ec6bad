"""Delete images of models that nothing runs and nobody can go back to, once a newer release was judged right."""

import threading
from collections.abc import Sequence
from functools import partial

from slipway import console
from slipway.commands.changing.deploying import recorder_of
from slipway.commands.context import EnvironmentContext
from slipway.deploy.model_lock import ModelLock
from slipway.deploy.models import ModelResult
from slipway.errors.base import SlipwayError
from slipway.expiry.needed import needed_images
from slipway.expiry.rule import dangling, expired
from slipway.values.aliases import Report


def delete_expired_images(
    context: EnvironmentContext, done: Sequence[ModelResult], report: Report, cancelled: threading.Event
) -> None:
    """Delete expired images of the models whose release was judged right; nothing where others keep the images.

    What fails is a warning: an image too many harms nobody. Where the history cannot be read nothing is deleted.
    """
    images = context.running.image_store
    if images is None:
        return
    for model in (item.model for item in done if item.kept is not None and not cancelled.is_set()):
        try:
            # A run that deploys the model holds the lock from before it looks for its image until that is recorded.
            with ModelLock(context.cluster, model, partial(report, model), cancelled):
                entries = recorder_of(context).store.entries(context.name, model)
                needed = needed_images(context.cluster, model, entries, images.keep)
                old = [image.digest for image in expired(images.stored(model), needed, images.keep)]
                refused = images.delete(model, old)
                # What refers to an image goes after it, never before: an image that stays keeps its signatures.
                if unsigned := [image.digest for image in dangling(images.stored(model))]:
                    refused += images.delete(model, unsigned)
        except SlipwayError as error:
            console.message(f"warning: {model}: no expired image was deleted: {error}")
            continue
        if old:
            report(model, f"{len(old) - len(refused)} expired images deleted")
        for reason in refused:
            console.message(f"warning: {model}: an expired image was not deleted: {reason}")
