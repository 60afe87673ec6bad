"""Tests that stand on AWS's packages, which `make up` alone does not bring."""

from importlib.util import find_spec

import pytest

NOT_HERE = [name for name in ("boto3", "moto", "pulumi_aws") if find_spec(name) is None]
REASON = f"{', '.join(NOT_HERE)} not installed; `make .venv/.aws` brings them"

needs_aws = pytest.mark.skipif(bool(NOT_HERE), reason=REASON)
"""For a test in a module that does without; modules that import the packages are left out by tests/conftest.py."""
