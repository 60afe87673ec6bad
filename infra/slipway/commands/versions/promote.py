"""Promote models: what one environment runs and judged right becomes what the next one runs, image byte for byte."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from slipway import console
from slipway.commands.changing.deploying import recorder_of
from slipway.commands.changing.session import Options, confirm
from slipway.commands.changing.up import bring_up
from slipway.commands.context import EnvironmentContext, Promotion
from slipway.deploy.changes import told
from slipway.deploy.record import Live, live_model, saved
from slipway.errors.base import Place, UserError, UserErrors, WrongValue, each
from slipway.errors.failures import EnvironmentMissing, PromotionUnproven, RecordRefused
from slipway.errors.images import RepositoryMissing
from slipway.history.entry import Entry
from slipway.history.errors import HistoryUnread, NoHistory
from slipway.plan.model import ModelPlan
from slipway.promotion.judged import BuiltThere, Judged, NotPlanned, RolledBack, judged_release
from slipway.promotion.same_image import image_differences
from slipway.promotion.settings import setting_differences
from slipway.registry.copying import copy_image

Opened = Callable[[str, tuple[str, ...] | None], EnvironmentContext]
"""Opens an environment by its name for these models; for all of them when there are none."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A model that can be promoted: its plans, what was judged, and the entry of the history in which it was."""

    first: EnvironmentContext
    second: EnvironmentContext
    before: ModelPlan
    after: ModelPlan
    judged: Judged
    entry: Entry | None


def promote_models(first: str, second: str, names: Sequence[str], opened: Opened, options: Options) -> None:
    """Promote models one after the other; without names, all that both environments have.

    What can be refused is refused before the first is copied. Without names, a model is left alone, as `up` does, that
    `second` runs with an image of its own, or whose release somebody took back there. The first that fails ends it.

    Raises:
        UserError: what serves in `first` is not what the files here plan, `second` needs another image, or somebody
            took the release back there.
        CopyFailed: an image was not copied; nothing of its model was changed.
        DeployError: as `bring_up`, and `PromotionUnproven` where something else runs in the end.
    """
    if first == second:
        place, todo = Place("command line"), "name the environment to promote to"
        raise WrongValue(place, "ENV2", second, "is ENV1, too", "another environment than ENV1", todo)
    ready: list[_Ready] = []
    findings: list[UserError] = []
    for model in names or _of_both(opened(first, None), opened(second, None)):
        try:
            found = _ready(opened(first, (model,)), opened(second, (model,)), model, options)
        except (BuiltThere, RolledBack) as error:
            if names:
                findings.append(error)
            else:
                console.message(f"left alone: {error}")
        except UserError as error:
            findings += each(error)
        else:
            ready += [found] if found is not None else []
    if findings:
        raise findings[0] if len(findings) == 1 else UserErrors(findings)
    for one in ready:
        _announce(one.first, one.second, one.before, one.after, one.judged)
    if ready:
        chosen = ", ".join(one.after.name for one in ready)
        confirm(f"promote {chosen} from {first} to {second}", options, changing=True)
    for one in ready:
        _promote(one, options)


def _of_both(first: EnvironmentContext, second: EnvironmentContext) -> list[str]:
    there = {model.name for model in first.plan.models}
    return [model.name for model in second.plan.models if model.name in there]


def _ready(first: EnvironmentContext, second: EnvironmentContext, model: str, options: Options) -> _Ready | None:
    """Check a model before anything is changed; None where `second` runs the very image already, which is said."""
    (before,), (after,) = first.models([model]), second.models([model])
    second.complied()
    judged = judged_release(first.cluster, first.name, model)
    entry = _entry(first, model, judged.release)
    if judged.release != before.release_digest:
        raise NotPlanned(first.name, before, judged, str(entry.commit) if entry and entry.commit else None)
    _refuse_another_image(first, second, before, after)
    live = _live(second, model)
    if live is not None and live.serves_verified and live.release == after.release:
        if _runs(second, model) == judged.digest:
            console.result(
                f"{model} {after.version} runs in {second.name} already, with {judged.digest}: nothing to do"
            )
            return None
        raise BuiltThere(second.name, after, judged)
    held = live.held_back if live is not None else None
    if live is not None and held is not None and held.holds(live.release, after.release) and not options.again:
        raise RolledBack(first.name, second.name, after, held.said())
    return _Ready(first, second, before, after, judged, entry)


def _promote(one: _Ready, options: Options) -> None:
    """Copy the image, deploy the model, and prove what it runs."""
    first, second, after, judged, model = one.first, one.second, one.after, one.judged, one.after.name
    with console.Progress() as progress:
        try:
            copy_image(judged.image, after.image.reference, lambda text: progress.report(model, text))
        except RepositoryMissing:
            # Where a model is new, its own stack makes the repository; the image is copied right after that.
            progress.report(model, "its image is copied as soon as its stack has made the repository")
    second.promotion = Promotion(model, judged.image, f"{first.name}/{one.entry.id}" if one.entry else first.name)
    bring_up(second, [model], replace(options, yes=True, again=True))
    runs = _runs(second, model)
    if runs != judged.digest:
        raise PromotionUnproven(second.name, model, judged.digest, runs)
    console.result(f"{model} {after.version} promoted from {first.name} to {second.name}: both run {judged.digest}")


def _entry(context: EnvironmentContext, model: str, release: str) -> Entry | None:
    """The newest entry of the history in which a release was judged right; None where no history tells."""
    try:
        entries = recorder_of(context).store.entries(context.name, model)
        return next((entry for entry in entries if entry.release == release and entry.verdict == "passed"), None)
    except (NoHistory, HistoryUnread):
        return None


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


def _live(context: EnvironmentContext, model: str) -> Live | None:
    """What is live of a model; None also where the environment is not up yet."""
    try:
        return live_model(context.cluster, model)
    except EnvironmentMissing:
        return None


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
    for line in told(found):
        console.message(f"    {line}")
