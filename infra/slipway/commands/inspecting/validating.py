"""Check what people wrote, without a cluster: specs, settings, versions, and the policy."""

from collections.abc import Sequence
from pathlib import Path

from slipway import console
from slipway.commands.context import EnvironmentContext, Folders
from slipway.commands.fetching import fetching
from slipway.committed.check import compare_all
from slipway.errors.base import UserError, UserErrors, each
from slipway.loading.specs import LoadedSpec, environments, load_one


def validate_all(files: Sequence[Path], folders: Folders) -> list[str]:
    """Check the files, or all specs and environments when none is given; returns what was found right.

    Raises `UserErrors` with every finding in every file.
    """
    names = environments(folders.settings)
    good: list[str] = []
    bad: list[UserError] = []
    read: dict[str, LoadedSpec] = {}
    for path in files:
        try:
            with fetching(folders) as store:
                spec = load_one(path, names, store)
            for warning in spec.warnings:
                console.message(f"warning: {warning}")
            read[spec.file] = spec
            good.append(f"{path}: model {spec.name} {spec.base.spec.version}")
        except UserError as error:
            bad += each(error)
    if not files:
        for name in names:
            try:
                context = EnvironmentContext(name, folders)
                planned = context.plan
                read |= {spec.file: spec for spec in context.specs(planned.models)}
                say_policy(context)
                good += [
                    f"{name}: model {model.name} {model.version}, pool {model.pool.name}" for model in planned.models
                ]
            except UserError as error:
                bad += [finding for finding in each(error) if str(finding) not in map(str, bad)]
    bad += compare_all(read.values(), console.message)
    if bad:
        raise UserErrors(bad)
    return good


def say_policy(context: EnvironmentContext) -> None:
    """Check an environment against the policy: refuse violations, print warnings."""
    for warning in context.complied():
        console.message(f"warning: {warning}")
