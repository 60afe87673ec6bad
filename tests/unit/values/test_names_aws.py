"""Names in AWS keep its limits, whatever an environment, a pool or a model is called."""

import re

from hypothesis import given
from hypothesis import strategies as st

from slipway.values import names
from slipway.values.quantities import MODEL_NAME_LIMIT

LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
ENVIRONMENT = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", fullmatch=True)
CLUSTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
NODE_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@given(ENVIRONMENT)
def test_an_environments_names_are_names_of_clusters_and_buckets(environment: str) -> None:
    assert CLUSTER.fullmatch(names.cluster(environment))
    assert BUCKET.fullmatch(names.bucket(environment, "123456789012", "ap-southeast-1"))


@given(ENVIRONMENT, st.text(alphabet="abz09-", min_size=1, max_size=MODEL_NAME_LIMIT + 6))
def test_a_role_is_named_within_the_limit(environment: str, user: str) -> None:
    assert ROLE.fullmatch(names.role(environment, user))


@given(LABEL)
def test_a_node_group_is_named_within_the_limit(pool: str) -> None:
    assert NODE_GROUP.fullmatch(names.node_group(pool, "0" * 64))


def test_a_model_never_has_the_role_of_a_part_of_the_environment() -> None:
    assert names.role("prod", "model-nodes") != names.role("prod", "nodes")


def test_slipways_tags_win_over_those_of_the_settings() -> None:
    tags = names.aws_tags("prod", {"team": "ml", "slipway:environment": "other"}, "digits")
    assert tags == {
        "team": "ml",
        "slipway:environment": "prod",
        "slipway:managed-by": "slipway",
        "slipway:model": "digits",
    }
