"""Define what a person may write about MLflow."""

from pydantic import Field

from slipway.values.quantities import Truth
from slipway.values.section import Section, left_out


class Mlflow(Section):
    """What MLflow is told of an environment; nothing when left out."""

    write_back: Truth = Field(
        description=(
            "Whether `up`, `promote` and `rollback` note what serves on the version of the registered model that its "
            "weights come from: the tag `slipway.ENV` and the alias `slipway-ENV`, at the server that "
            "MLFLOW_TRACKING_URI names. A failure of that is a warning."
        ),
        examples=[True],
    )


MLFLOW = Field(
    default=None,
    description="What MLflow is told of models whose weights come from it (docs/how-to/weights-from-elsewhere.md).",
    examples=[{"write_back": True}],
    exclude_if=left_out,
    json_schema_extra={"since": "0.2"},
)
"""The field `mlflow`, the same of every kind of environment."""
