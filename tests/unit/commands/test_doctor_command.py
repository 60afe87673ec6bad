"""`slipway doctor` prints what was found with what mends it, and ends with 1 for errors alone."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from slipway.cli import account as commands
from slipway.cli.group import cli
from slipway.commands.inspecting.doctor import show_findings
from slipway.doctor.finding import Finding
from slipway.errors.base import UserError

GOOD = Finding("zones", "ok", "eu-central-1a is euc1-az2")
WRONG = Finding("quotas", "error", "0 vCPUs", "aws service-quotas request-service-quota-increase")
UNASKED = Finding("cost tag", "unknown", "the caller may not ce:ListCostAllocationTags", "allow it")


def context(*found: Finding) -> Any:
    def diagnose() -> Iterator[Finding]:
        yield from found

    return SimpleNamespace(name="prod", running=SimpleNamespace(diagnose=diagnose))


@pytest.mark.parametrize(
    ("found", "code"), [([GOOD], 0), ([GOOD, UNASKED], 0), ([GOOD, WRONG, UNASKED], 1), ([UNASKED], 1)]
)
def test_an_error_ends_with_1_and_so_does_an_account_that_nothing_could_be_asked_of(
    found: list[Finding], code: int
) -> None:
    assert show_findings(context(*found), as_json=False) == code


def test_each_finding_comes_with_what_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    show_findings(context(GOOD, WRONG, UNASKED), as_json=False)
    out = capsys.readouterr().out
    assert "quotas: 0 vCPUs; next: aws service-quotas request-service-quota-increase" in out
    assert out.rstrip().endswith("1 ok, 0 warning, 1 error, 1 unknown")


def test_a_pipeline_reads_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    show_findings(context(GOOD, WRONG), as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"ok": 1, "warning": 0, "error": 1, "unknown": 0}
    assert document["findings"][1]["mend"].startswith("aws service-quotas")


def test_an_environment_without_an_account_is_refused() -> None:
    result = CliRunner().invoke(cli, ["doctor", "local"])
    assert isinstance(result.exception, UserError)
    assert "has no account of AWS that could be asked" in str(result.exception)
    assert commands.doctor.name == "doctor"
