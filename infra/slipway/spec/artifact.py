"""Contains what a spec says about the trained weights."""

from pydantic import Field

from slipway.spec.texts import RepositoryFile
from slipway.values.section import Section


class ArtifactSource(Section):
    """Where the trained weights are."""

    source: RepositoryFile = Field(
        description="ONNX file, relative to the repository's root (the folder with Pulumi.yaml).",
        examples=["models/digits/model.onnx"],
    )
