"""Load specs and settings: from files to validated values, with every finding of every file reported together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slipway.errors.base import FileRefused, Place, UnknownName, UserError, UserErrors, WrongValue, each
from slipway.loading.locks import Locks
from slipway.loading.neighbours import shared_namespaces
from slipway.loading.overrides import locate_in, merged, overrides
from slipway.loading.settings import SettingsFile, environments, load_settings, read_settings
from slipway.loading.spec_files import is_pipeline, name_in, spec_files
from slipway.loading.variant import Variant, variant
from slipway.loading.versions import SPEC_FIELDS, deprecations, newer_format, told_once
from slipway.reading.findings import dotted
from slipway.reading.folders import find_root
from slipway.reading.yaml_document import Document, FieldPath, read_document, refuse_empty
from slipway.settings.base import AnySettings
from slipway.sources.store import Store

__all__ = [
    "Loaded",
    "LoadedSpec",
    "Unread",
    "environments",
    "find_root",
    "load_environment",
    "load_for",
    "load_one",
    "load_settings",
    "load_spec_file",
    "load_specs",
    "read_specs",
    "refuse_each",
    "said_settings",
]


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A spec that was found right, as it is without overrides and in each environment that overrides it."""

    document: Document
    base: Variant
    overrides: Mapping[str, Variant]
    warnings: tuple[str, ...] = ()
    """What of the file is right, and will not stay so."""

    @property
    def name(self) -> str:
        """The model's name."""
        return self.base.spec.name

    @property
    def file(self) -> str:
        """The spec's file as messages name it."""
        return self.document.file

    def variant(self, environment: str) -> Variant:
        """The variant that is served in `environment`."""
        return self.overrides.get(environment, self.base)

    def locate(self, environment: str, path: FieldPath) -> tuple[Place, str]:
        """Where the value at `path` of the spec merged for `environment` is written, and the field as written."""
        overriding = ("environments", environment, *path)
        if overriding in self.document.lines:
            path = overriding
        return self.document.place(path), dotted(path)


@dataclass(frozen=True, slots=True)
class Unread:
    """What is wrong with one spec, and the names that its model may be meant by: the one in it, and its file's."""

    names: frozenset[str]
    error: UserError

    def __str__(self) -> str:
        findings = each(self.error)
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        return f"{' or '.join(sorted(self.names))}: {findings[0]}{more}"


def refuse_each(
    environment: str,
    loaded: Sequence[LoadedSpec],
    written: Place | None,
    look: Callable[[LoadedSpec, str], Iterator[UserError]],
) -> None:
    """Raise `UserErrors` of all that `look` finds wrong with a spec, given how messages call the settings."""
    where = said_settings(environment, written)
    if found := [error for one in loaded for error in look(one, where)]:
        raise UserErrors(found)


def said_settings(environment: str, written: Place | None) -> str:
    """What messages call the settings of an environment; `written`: where they are, None where they are of no file."""
    return f"the settings of {environment}" + (f" ({written})" if written else "")


def load_specs(
    models_dir: Path, root: Path, environments: Sequence[str] | None = None, store: Store | None = None
) -> list[LoadedSpec]:
    """Load every spec of a folder, sorted by name.

    Args:
        models_dir: folder whose *.yaml are the specs.
        root: what paths in the specs are relative to, see `find_root`.
        environments: names that `environments` of a spec may have. Any for None.
        store: where weights come from that are not in the repository. Nothing is fetched for None.

    Raises:
        UserErrors: everything that is wrong in any of them.
    """
    good, bad = read_specs(models_dir, root, environments, store)
    if bad:
        raise UserErrors([unread.error for unread in bad])
    return good


def read_specs(
    models_dir: Path, root: Path, environments: Sequence[str] | None, store: Store | None
) -> tuple[list[LoadedSpec], list[Unread]]:
    """The specs of a folder that are right, sorted by name, and what is wrong with the others."""
    good: list[LoadedSpec] = []
    bad: list[Unread] = []
    files = spec_files(models_dir)
    pipelines = set(filter(is_pipeline, files))
    for path in sorted(files, key=pipelines.__contains__):  # those that pipelines ask come first
        try:
            if path.suffix == ".yml":
                raise FileRefused(str(path), "ends in .yml", "*.yaml", f"rename it to {path.stem}.yaml")
            members = good if path in pipelines else []
            good.append(load_spec_file(path, root, environments, store, members))
        except UserError as error:
            bad.append(Unread(frozenset({path.stem, *name_in(path)}), error))
    bad += _used_twice(good)
    twice = {name for unread in bad for name in unread.names}
    return sorted((spec for spec in good if spec.name not in twice), key=lambda spec: spec.name), bad


def _used_twice(loaded: Sequence[LoadedSpec]) -> Iterator[Unread]:
    first: dict[str, LoadedSpec] = {}
    for spec in loaded:
        other = first.setdefault(spec.name, spec)
        if other is not spec:
            place, field = spec.locate("", ("name",))
            problem = f"is already the name of the model in {other.document.place(('name',))}"
            allowed = "a name that no other spec has"
            error = WrongValue(place, field, spec.name, problem, allowed, "rename one of them")
            yield Unread(frozenset({spec.name}), error)


def load_one(path: Path, environments: Sequence[str] | None = None, store: Store | None = None) -> LoadedSpec:
    """Load the spec in one file; of a pipeline, with the models beside it that are right. Otherwise as `load_specs`."""
    root = find_root(path.parent)
    if not is_pipeline(path):
        return load_spec_file(path, root, environments, store)
    members: list[LoadedSpec] = []
    for other in spec_files(path.parent):
        if not is_pipeline(other):
            with suppress(UserError):  # it is for that file's own check to say
                members.append(load_spec_file(other, root, environments, store))
    return load_spec_file(path, root, environments, store, members)


def load_spec_file(
    path: Path,
    root: Path,
    environments: Sequence[str] | None = None,
    store: Store | None = None,
    members: Sequence[LoadedSpec] = (),
) -> LoadedSpec:
    """Load the spec in one file; arguments and errors as of `load_specs`. `members`: what a pipeline may ask."""
    document = read_document(path, str(path))
    refuse_empty(document, "a spec; docs/reference/spec.md shows one")
    newer = newer_format(document)
    if newer is not None:
        raise UserErrors([newer])
    outdated = list(deprecations(document, SPEC_FIELDS))
    found: list[UserError] = [one for one in outdated if isinstance(one, UserError)]
    weights = store or Store(offline=True)
    locks = Locks(path, root)
    asked = {one.name: one for one in members if one.base.pipeline is None}
    there = {name: one.base for name, one in asked.items()}
    base = variant(document.value, locks, lambda p: (document.place(p), dotted(p)), found, weights, there)
    variants = {}
    written = dict(overrides(document, environments, found))
    if members:
        # Models may have other weights in an environment, and so the pipeline.
        written = {name: {} for one in asked.values() for name in one.overrides} | written
    for environment, override in written.items():
        before = len(found)
        whole = merged({k: v for k, v in document.value.items() if k != "environments"}, override)
        there = {name: one.variant(environment) for name, one in asked.items()}
        own = locks.within(environment, override)
        served = variant(whole, own, locate_in(document, environment), found, weights, there)
        if served is not None:
            variants[environment] = served
        if base is None:
            # Merging repeats what is wrong with the base, on the base's own lines.
            old = {(f.place, f.problem) for f in found[:before]}
            found[before:] = [f for f in found[before:] if (f.place, f.problem) not in old]
    if found or base is None:
        raise UserErrors(told_once(found))
    return LoadedSpec(document, base, variants, tuple(one for one in outdated if isinstance(one, str)))


@dataclass(frozen=True, slots=True)
class Loaded:
    """An environment's settings file, the specs of the models deployed to it, and what is wrong with other specs."""

    file: SettingsFile
    specs: list[LoadedSpec]
    left_out: list[Unread]

    @property
    def settings(self) -> AnySettings:
        """The environment's settings."""
        return self.file.settings


def load_environment(
    settings_dir: Path, environment: str, models_dir: Path, root: Path
) -> tuple[AnySettings, list[LoadedSpec]]:
    """Load an environment's settings and the specs of the models that are deployed to it, sorted by name.

    Raises:
        UserErrors: everything that is wrong in settings and specs, together.
    """
    loaded = load_for(None, settings_dir, lambda: read_settings(settings_dir, environment), models_dir, root)
    return loaded.settings, loaded.specs


def load_for(
    models: Sequence[str] | None,
    settings_dir: Path,
    read: Callable[[], SettingsFile],
    models_dir: Path,
    root: Path,
    store: Store | None = None,
) -> Loaded:
    """Like `load_environment`, for those who ask for some models only: specs of others that are wrong are left out.

    `models`: their names; every spec has to be right for None. `read`: gives the environment's settings file, or raises
    what is wrong in it, which is reported together with what is wrong in specs. `store`: see `load_specs`.
    """
    known = environments(settings_dir)
    bad: list[UserError] = []
    file: SettingsFile | None = None
    specs: list[LoadedSpec] = []
    unread: list[Unread] = []
    try:
        file = read()
        bad += shared_namespaces(settings_dir, file)
    except UserError as error:
        bad.append(error)
    try:
        specs, unread = read_specs(models_dir, root, known, store)
    except UserError as error:
        bad.append(error)
    if file is not None and file.settings.model_names is not None:
        specs, more = _deployed(file, specs, unread)
        # A name that no spec has may be that of one that cannot be read.
        unread = more if models is not None else unread or more
    bad += [one.error for one in unread if models is None or not one.names.isdisjoint(models)]
    if file is None or bad:
        raise UserErrors(bad)
    return Loaded(file, specs, unread)


def _deployed(
    file: SettingsFile, specs: Sequence[LoadedSpec], unread: Sequence[Unread]
) -> tuple[list[LoadedSpec], list[Unread]]:
    """Of the specs, and of what is wrong with others, those that the settings name; and names that no spec has."""
    wanted = file.settings.model_names or ()
    broken = [one for one in unread if not one.names.isdisjoint(wanted)]
    known = [loaded.name for loaded in specs]
    for index, name in enumerate(wanted):
        if name not in known and not any(name in one.names for one in broken):
            error = UnknownName(*file.locate(("models", index)), name, known)
            broken.append(Unread(frozenset({name}), error))
    return [loaded for loaded in specs if loaded.name in wanted], broken
