"""The golden manifests have no finding in kube-score and checkov; each exception has its reason in its template."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.go_programs import built

pytestmark = pytest.mark.lint_manifests

HERE = Path(__file__).parent
MANIFESTS = sorted(HERE.glob("*/*.yaml"))
CHECKOV = "checkov==3.3.30"
KUBERNETES = "v1.36"


@pytest.fixture(scope="module")
def kube_score() -> Path:
    """The kube-score of KUBE_SCORE, else the one that slipway.local pins, built into the tool cache."""
    return built("kube-score", "github.com/zegl/kube-score/cmd/kube-score")


def scored(program: Path, *options: str) -> list[str]:
    """Findings of kube-score over all golden manifests, as `object: check: grade`."""
    command: list[str | Path] = [
        program,
        "score",
        "--kubernetes-version",
        KUBERNETES,
        "-o",
        "json",
        *options,
        *map(str, MANIFESTS),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    objects = json.loads(answer.stdout)
    assert len(objects) > len(MANIFESTS)
    return [
        f"{item['object_name']}: {check['check']['id']}: grade {check['grade']}"
        for item in objects
        for check in item["checks"]
        if not check["skipped"] and check["grade"] < 10
    ]


def test_kube_score_has_no_finding(kube_score: Path) -> None:
    assert scored(kube_score) == []


def test_kube_score_finds_only_the_exceptions_when_they_are_not_excepted(kube_score: Path) -> None:
    findings = {finding.split(": ")[1] for finding in scored(kube_score, "--disable-ignore-checks-annotations")}
    assert findings == {
        "container-image-pull-policy",
        "container-security-context-user-group-id",
        "deployment-has-poddisruptionbudget",
        "deployment-replicas",
        "deployment-strategy",
        "horizontalpodautoscaler-replicas",
        "pod-probes-identical",
        "service-type",
    }


def test_checkov_has_no_finding_and_skips_only_the_exception() -> None:
    files = [argument for path in MANIFESTS for argument in ("-f", str(path))]
    options = ["--framework", "kubernetes", "--skip-download", "--output", "json", "--quiet"]
    command = [sys.executable, "-m", "uv", "tool", "run", "--from", CHECKOV, "checkov", *files, *options]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert answer.stdout, answer.stderr[-2000:]
    report = json.loads(answer.stdout)
    failed = [f"{item['check_id']} {item['resource']}" for item in report["results"]["failed_checks"]]
    assert failed == []
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 100
    assert report["summary"]["skipped"] == sum(path.read_text().count("checkov.io/skip") for path in MANIFESTS)
