"""Say how long one request keeps a replica busy in a location, and how many it answers: measured, given, or unknown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipway.advice.figures import Figure
from slipway.advice.locations import Location
from slipway.advice.needs import EVERYWHERE
from slipway.catalog.aws import catalogue
from slipway.measuring.findings import Finding
from slipway.spec.model import ModelSpec

_X86 = ("avx", "sse")


@dataclass(frozen=True, slots=True)
class Processing:
    """What a replica does with requests.

    Attributes:
        ms: milliseconds of one request, the 95th percentile where it was measured.
        rps: requests a second that one replica answers.
    """

    ms: Figure
    rps: Figure

    def replicas(self, rps: float, least: int) -> int:
        """Replicas that answer so many requests a second, at least `least`."""
        return max(least, math.ceil(rps / self.rps.value))


def processing(location: Location, findings: Sequence[Finding], given: Mapping[str, float]) -> Processing | None:
    """How long a request takes in a location: as somebody says, else as it was measured; None where nobody knows.

    Args:
        location: where.
        findings: what `slipway measure` found about the model.
        given: milliseconds on a whole accelerator, by its name, see `slipway.advice.needs.Asked`.
    """
    return _given(location, given) or _measured(location, findings)


def _given(location: Location, given: Mapping[str, float]) -> Processing | None:
    name = location.accelerator
    if name in given:
        return _one_at_a_time(location, given[name], f"--processing-ms {name}={given[name]:g}", sure=True)
    if EVERYWHERE in given:
        ms = given[EVERYWHERE]
        return _one_at_a_time(location, ms, f"--processing-ms {ms:g}", sure=True)
    tflops = {gpu: value for file in catalogue().files for gpu, value in file.gpu_tflops.items()}
    known = sorted(gpu for gpu in given if gpu in tflops)
    if name not in tflops or not known:
        return None
    # The one that is most like it: the nearest in how fast it computes.
    other = min(known, key=lambda gpu: abs(math.log(tflops[gpu] / tflops[name])))
    ms = given[other] * tflops[other] / tflops[name]
    source = f"--processing-ms {other}={given[other]:g}, by FP16 rates of {tflops[other]} to {tflops[name]} TFLOPS"
    return _one_at_a_time(location, ms, source, sure=False)


def _one_at_a_time(location: Location, ms: float, source: str, *, sure: bool) -> Processing:
    """A replica that answers one request after the other; with a part of a GPU, in as many times the time."""
    gpu = location.pool.gpu
    part = gpu.fraction if gpu is not None and location.spec.resources.gpu is not None else 1
    whole = float(ms / part)
    shared = "" if part == 1 else f", on {part} of it"
    took = Figure(whole, "given" if sure and part == 1 else "assumed", source + shared)
    return Processing(took, Figure(1000 / whole, "assumed", "one request after the other"))


def _measured(location: Location, findings: Sequence[Finding]) -> Processing | None:
    there = [finding for finding in findings if _same_architecture(finding, location)]
    return measured(there, location.spec)


def measured(findings: Sequence[Finding], spec: ModelSpec) -> Processing | None:
    """What a replica did when it was measured under the CPU limit of a spec; None where it was not.

    Of several findings that with the memory nearest to the spec's counts, and of these the newest. Models on GPUs are
    not measured: `slipway measure` uses CPUs.
    """
    if spec.resources.gpu is not None:
        return None
    knees = [
        (finding, point.rate, point.p95_ms)
        for finding in findings
        if finding.runtime == spec.runtime
        and finding.step.cpu == spec.resources.cpu
        and (point := finding.step.at_knee) is not None
        and point.p95_ms is not None
    ]
    if not knees:
        return None
    newest = sorted(knees, key=lambda one: one[0].date, reverse=True)
    best, rate, p95_ms = min(newest, key=lambda one: abs(one[0].step.memory - spec.resources.memory))
    source = f"`slipway measure` of version {best.version} on {best.date[:10]}, {best.machine.cpu}"
    return Processing(Figure(p95_ms, "measured", source), Figure(rate, "measured", source))


def _same_architecture(finding: Finding, location: Location) -> bool:
    """Whether the machine has the instructions of the location's: times of another architecture say nothing."""
    x86 = any(flag.startswith(_X86) for flag in finding.machine.flags)
    return x86 == (location.pool.architecture == "amd64")
