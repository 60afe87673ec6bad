"""Commands that need no cluster: validate, plan, render, schema."""

from collections.abc import Sequence
from pathlib import Path

from infra import report
from infra.errors import FileRefused, UserError, UserErrors, each
from infra.load import environments, find_root, load_spec_file
from infra.opened import Folders, Opened
from infra.quantities import format_bytes, format_cpu
from infra.render import render_dockerfile, render_environment, render_model, to_yaml
from infra.schema import generate


def validate_all(files: Sequence[Path], folders: Folders) -> list[str]:
    """Check the files, or all specs and environments when none is given; returns what was found right.

    Raises `UserErrors` with every finding in every file.
    """
    names = environments(folders.settings)
    good: list[str] = []
    bad: list[UserError] = []
    for path in files:
        try:
            spec = load_spec_file(path, find_root(path.parent), names)
            good.append(f"{path}: model {spec.name} {spec.base.spec.version}")
        except UserError as error:
            bad += each(error)
    if not files:
        for name in names:
            try:
                planned = Opened(name, folders).plan
                good += [
                    f"{name}: model {model.name} {model.version}, pool {model.pool.name}" for model in planned.models
                ]
            except UserError as error:
                bad += [finding for finding in each(error) if str(finding) not in map(str, bad)]
    if bad:
        raise UserErrors(bad)
    return good


def show_plan(opened: Opened, names: Sequence[str], *, as_json: bool) -> None:
    """Print the plan of an environment, or of some models of it."""
    models = opened.models(names)
    if as_json:
        report.document(opened.plan.select([model.name for model in models]).to_json())
        return
    rows = [
        [
            model.name,
            model.version,
            model.release,
            f"{model.spec.scale.min}-{model.spec.scale.max}" if model.autoscaled else str(model.spec.scale.min),
            format_cpu(model.spec.resources.cpu),
            format_bytes(model.spec.resources.memory),
            str(model.spec.resources.gpu.count) if model.spec.resources.gpu else "-",
            model.pool.name,
            f"+{model.rollout.max_surge}/-{model.rollout.max_unavailable}",
            model.image.reference,
        ]
        for model in models
    ]
    columns = ("MODEL", "VERSION", "RELEASE", "REPLICAS", "CPU", "MEMORY", "GPU", "POOL", "ROLLOUT", "IMAGE")
    report.table(columns, rows)
    for model in models:
        for warning in model.warnings:
            report.message(f"warning: {model.name}: {warning}")


def render_all(opened: Opened, names: Sequence[str], output: Path | None) -> None:
    """Write the manifests of the environment and its models, and each model's Dockerfile, to a folder or stdout."""
    models = opened.models(names)
    texts = {"environment.yaml": to_yaml(render_environment(opened.plan))}
    for model in models:
        texts[f"{model.name}/manifests.yaml"] = to_yaml(render_model(model, model.image.reference))
        texts[f"{model.name}/Dockerfile"] = render_dockerfile(model.image.runtime.reference)
    if output is None:
        report.out.out("".join(text for name, text in texts.items() if name.endswith(".yaml")), end="", highlight=False)
        return
    for name, text in texts.items():
        path = output / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as error:
            raise FileRefused(
                str(path),
                f"cannot be written: {error.strerror}",
                "a folder that can be written",
                "name another with -o",
            ) from None
        report.result(str(path))


def write_schema(*, check: bool) -> None:
    """Write generated files; with `check` only tell which are stale, as a `UserError`."""
    generated = generate()
    if check:
        files = [path for path, text in generated.items() if not path.is_file() or path.read_text() != text]
        if files:
            raise UserErrors(
                [
                    FileRefused(str(path), "is stale", "what `slipway schema` writes", "run slipway schema")
                    for path in files
                ]
            )
        report.result("generated files are up to date")
        return
    for path, text in generated.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        report.result(str(path))
