"""The draft of the processing record says what specs have written down of requests, and never that nothing is."""

from dataclasses import replace

from slipway.controls.processing import Processing, processing_record
from slipway.plan.model import Plan
from tests.support.planned import capture_plan, drift_plan
from tests.unit.controls.test_checks import inputs


def record(plan: Plan) -> dict[str, Processing]:
    return {one.model: one for one in processing_record(inputs(plan, None))}


def test_samples_are_in_the_record_with_what_is_kept_how_long_and_who_reads_them() -> None:
    found = record(capture_plan("kept"))
    for plan in capture_plan("kept").models:
        kept = found[plan.name].kept
        assert plan.spec.capture is not None
        assert kept[0].who == "nobody: they are written nowhere, but for the samples"
        (samples,) = [one for one in kept if one.what.startswith("samples")]
        assert samples.where.startswith("the model store, bucket ")
        assert samples.how_long.startswith(f"{plan.spec.capture.keep.removesuffix('d')} days")
        assert "Secret capture-keys" in samples.who


def test_what_is_redacted_is_named() -> None:
    plan = capture_plan("kept").select(["some"])
    (model,) = plan.models
    assert model.samples is not None
    written = model.samples.written.model_copy(update={"redact": ("image",)})
    hidden = replace(model, samples=replace(model.samples, written=written))
    (found,) = record(replace(plan, models=(hidden,))).values()
    assert "samples: by chance 1% of requests with their answers: label, never image" in [k.what for k in found.kept]


def test_counts_for_drift_are_in_the_record_and_say_nothing_of_one_call() -> None:
    (found,) = record(drift_plan()).values()
    assert found.kept[0].who == "nobody: they are written nowhere"
    assert "of a single call nothing" in found.kept[-1].what
