"""Keep who may call a model, and its alerts, apart from what is restored of it.

The record of a release is a ConfigMap: whoever may write it could else lead another model's callers here, or let
everybody in, with the rights of the deployer. A restore brings back pods; routes and limits stay as they are planned.
"""

from dataclasses import replace

from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.planner.environment import released
from slipway.render.model import render_model
from slipway.render.objects import UNRECORDED


def without_way_in(release: Release) -> Release:
    """The release as its record holds it."""
    return replace(release, manifests=tuple(one for one in release.manifests if one.get("kind") not in UNRECORDED))


def with_way_in(release: Release, plan: ModelPlan) -> Release:
    """An earlier release of a model with the routes, limits and alerts of its plan, labelled as the rest of it."""
    labelled = released(replace(plan, version=release.version), release.digest)
    planned = [one for one in render_model(labelled, release.image) if one["kind"] in UNRECORDED]
    return replace(release, manifests=(*without_way_in(release).manifests, *planned))
