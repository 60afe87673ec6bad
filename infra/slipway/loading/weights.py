"""Read of specs only where their weights are: enough to fetch them, whatever else is wrong or not written yet."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from slipway.errors.base import UserError
from slipway.loading.overrides import locate_in, merged, overrides
from slipway.loading.spec_files import named_documents
from slipway.reading.findings import Locate, dotted, validated
from slipway.reading.yaml_document import Document
from slipway.spec.artifact.source import ArtifactSource


def weights_of(
    models_dir: Path, models: Sequence[str], found: list[UserError]
) -> Iterator[tuple[str, ArtifactSource, Locate]]:
    """For models of a folder, all for none named: the name, where the weights are, and where that is written.

    A model whose weights differ between environments comes once for each. What cannot be read is added to `found`.
    """
    for name, _, document in named_documents(models_dir, models, found):
        yield from ((name, *one) for one in _artifacts(document, found))


def _artifacts(document: Document, found: list[UserError]) -> Iterator[tuple[ArtifactSource, Locate]]:
    value = document.value if isinstance(document.value, dict) else {}
    said: list[ArtifactSource] = []
    below = {key: part for key, part in value.items() if key == "artifact"}
    places: list[tuple[object, Locate]] = [(below.get("artifact"), lambda p: (document.place(p), dotted(p)))]
    for environment, override in overrides(document, None, []):
        if "artifact" in override:
            laid = merged(below, {"artifact": override["artifact"]})
            places.append((laid["artifact"], locate_in(document, environment)))
    for written, locate in places:
        artifact = validated(ArtifactSource, written, _below(locate), found)
        if artifact is not None and artifact not in said:
            said.append(artifact)
            yield artifact, locate


def _below(locate: Locate) -> Locate:
    """Where the values of the section `artifact` are written, by their paths in it."""
    return lambda path: locate(("artifact", *path))
