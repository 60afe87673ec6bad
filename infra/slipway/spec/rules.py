"""Hold the sections of a spec against each other: what one says that another makes impossible, or pointless."""

from typing import TYPE_CHECKING

from semver import Version

from slipway.runtimes.registry import RUNTIMES
from slipway.spec import adapt, capture, drift, pipeline_rules, quality, rollout_rules, slo
from slipway.spec.artifact.optimize import STEPS_MOST
from slipway.spec.custom import rules as custom
from slipway.spec.language import rules as language
from slipway.values.quantities import refusal

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first thing that does not fit; see `slipway.values.quantities.refusal`."""
    for rule in (
        _too_many_steps,
        _gpus_that_are_not_there,
        _inputs_that_nobody_goes_by,
        _a_fix_that_is_no_patch,
        custom.refuse_misfits,
        language.refuse_misfits,
        pipeline_rules.refuse_misfits,
        rollout_rules.refuse_misfits,
        slo.refuse_misfits,
        quality.refuse_misfits,
        drift.refuse_misfits,
        adapt.refuse_misfits,
        capture.refuse_misfits,
    ):
        rule(spec)


def _too_many_steps(spec: "ModelSpec") -> None:
    if (found := len(spec.optimize)) > STEPS_MOST:
        todo = "put several into one script"
        raise refusal(f"has {found} steps", f"{STEPS_MOST} steps at most", todo, ("optimize",))


def _gpus_that_are_not_there(spec: "ModelSpec") -> None:
    target = spec.scale.target
    if target is not None and target.gpu_percent is not None and spec.resources.gpu is None:
        problem = "is given, and the replicas get no GPU: resources.gpu is missing"
        allowed = "gpu_percent beside resources.gpu"
        at = ("scale", "target", "gpu_percent")
        raise refusal(problem, allowed, "add resources.gpu, or write for example {cpu_percent: 70}", at)


def _inputs_that_nobody_goes_by(spec: "ModelSpec") -> None:
    if spec.artifact is not None and spec.artifact.inputs and not RUNTIMES[spec.runtime].signature_in_lock:
        problem = f"is given, though runtime {spec.runtime} does not go by it"
        allowed = "artifact.inputs of weights whose format does not say what the model takes, served as they are"
        todo = "write it as inputs of the step convert, or remove it"
        raise refusal(problem, allowed, todo, ("artifact", "inputs"))


def _a_fix_that_is_no_patch(spec: "ModelSpec") -> None:
    if spec.fixes is None:
        return
    mine, fixed = Version.parse(spec.version), Version.parse(spec.fixes)
    if (fixed.major, fixed.minor) != (mine.major, mine.minor) or fixed >= mine:
        problem = f"is no version that {spec.version} can fix"
        allowed = f"a lower version that begins with {mine.major}.{mine.minor}"
        raise refusal(problem, allowed, "remove fixes, which was of another version, or correct it", ("fixes",))
