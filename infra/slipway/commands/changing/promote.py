"""Promote a model: what one environment runs and judged right becomes what the next one runs, image byte for byte."""

from dataclasses import replace

from slipway import console
from slipway.commands.changing.session import Options, confirm
from slipway.commands.changing.up import bring_up
from slipway.commands.context import EnvironmentContext
from slipway.deploy.changes import LINES_MOST
from slipway.deploy.record import live_model, saved
from slipway.errors.base import Place, UserError, UserErrors, WrongValue
from slipway.errors.failures import EnvironmentMissing, PromotionUnproven, RecordRefused
from slipway.errors.images import RepositoryMissing
from slipway.plan.model import ModelPlan
from slipway.promotion.judged import Judged, NotPlanned, judged_release
from slipway.promotion.same_image import image_differences
from slipway.promotion.settings import setting_differences
from slipway.registry.copying import copy_image


def promote_model(first: EnvironmentContext, second: EnvironmentContext, model: str, options: Options) -> None:
    """Copy the image that was judged right in `first`, then deploy the model in `second`, and prove what it runs.

    Raises:
        UserError: what serves in `first` is not what the files here plan, or `second` needs another image.
        CopyFailed: the image was not copied; nothing was changed.
        DeployError: as `bring_up`, and `PromotionUnproven` where something else runs in the end.
    """
    if first.name == second.name:
        place, todo = Place("command line"), "name the environment to promote to"
        raise WrongValue(place, "ENV2", second.name, "is ENV1, too", "another environment than ENV1", todo)
    (before,), (after,) = first.models([model]), second.models([model])
    second.complied()
    judged = judged_release(first.cluster, first.name, model)
    if judged.release != before.release_digest:
        raise NotPlanned(first.name, before, judged.release, _todo(first, judged))
    _refuse_another_image(first, second, before, after)
    if _there_already(second, after, judged):
        console.result(f"{model} {after.version} runs in {second.name} already, with {judged.digest}: nothing to do")
        return
    _announce(first, second, before, after, judged)
    confirm(f"promote {model} from {first.name} to {second.name}", options, changing=True)
    with console.Progress() as progress:
        try:
            copy_image(judged.image, after.image.reference, lambda text: progress.report(model, text))
        except RepositoryMissing:
            # Where a model is new, its own stack makes the repository; the image is copied right after that.
            progress.report(model, "its image is copied as soon as its stack has made the repository")
    second.copy_image(model, judged.image)
    bring_up(second, [model], replace(options, yes=True))
    runs = _runs(second, model)
    if runs != judged.digest:
        raise PromotionUnproven(second.name, model, judged.digest, runs)
    console.result(f"{model} {after.version} promoted from {first.name} to {second.name}: both run {judged.digest}")


def _todo(first: EnvironmentContext, judged: Judged) -> str:
    return (
        f"check out the commit that {judged.version} was deployed from, or deploy and judge these files first: "
        f"`slipway up {first.name}`"
    )


def _refuse_another_image(
    first: EnvironmentContext, second: EnvironmentContext, before: ModelPlan, after: ModelPlan
) -> None:
    findings: list[UserError] = []
    for found in image_differences(before, after):
        where = second.file.locate(found.path) if found.of_settings else second.spec_place(after.name, found.path)
        problem = f"makes another {found.what} than in {first.name}, whose image was judged"
        todo = f"make the two alike, or build and judge an image of {second.name}'s own: slipway up {second.name}"
        findings.append(WrongValue(*where, found.second, problem, found.first, todo))
    if findings:
        raise UserErrors(findings)


def _there_already(second: EnvironmentContext, after: ModelPlan, judged: Judged) -> bool:
    """Whether the planned release serves there, judged right, with the very image."""
    try:
        live = live_model(second.cluster, after.name)
    except EnvironmentMissing:
        return False
    planned = live is not None and live.serves_verified and live.release == after.release
    return planned and _runs(second, after.name) == judged.digest


def _runs(context: EnvironmentContext, model: str) -> str | None:
    """The digest of the image that was judged right last in an environment; None where nobody can tell."""
    try:
        record = saved(context.cluster, model)
    except RecordRefused:
        return None
    return record.image.partition("@")[2] if record is not None else None


def _announce(
    first: EnvironmentContext, second: EnvironmentContext, before: ModelPlan, after: ModelPlan, judged: Judged
) -> None:
    """Say what is copied, and in what the two releases differ."""
    console.message(f"  {after.name} {after.version}, judged right in {first.name}: {judged.image}")
    console.message(f"    copied to {after.image.reference}, not built")
    found = setting_differences(before, after)
    if not found:
        console.message(f"    {second.name} differs from {first.name} in names only")
    for line in found[:LINES_MOST]:
        console.message(f"    {line}")
    if len(found) > LINES_MOST:
        console.message(f"    and {len(found) - LINES_MOST} more")
