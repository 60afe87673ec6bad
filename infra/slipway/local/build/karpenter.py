"""Build Karpenter with kwok's nodes in place of EC2's, and take its kinds out of its modules: rehearsals need it."""

import json
from pathlib import Path

import yaml

from slipway.local.build import golang, toolchain
from slipway.local.host.steps import Report

MODULE = toolchain.MODULES / "karpenter"
VERSION = "1.12.1"
"""As in MODULE/go.mod, of Karpenter itself and of its provider for AWS."""

_CORE = "sigs.k8s.io/karpenter"
_AWS = "github.com/aws/karpenter-provider-aws"
_PROGRAM = toolchain.GoProgram(MODULE, ".", f"-s -w -X {_CORE}/pkg/operator.Version={VERSION}")
_KINDS = (
    # Those of Karpenter as the provider for AWS ships them: with its rules about AWS's labels.
    (_AWS, "pkg/apis/crds/karpenter.sh_nodepools.yaml"),
    (_AWS, "pkg/apis/crds/karpenter.sh_nodeclaims.yaml"),
    (_AWS, "pkg/apis/crds/karpenter.sh_nodeoverlays.yaml"),
    (_AWS, "pkg/apis/crds/karpenter.k8s.aws_ec2nodeclasses.yaml"),
    (_CORE, "kwok/apis/crds/karpenter.kwok.sh_kwoknodeclasses.yaml"),
)


def built(report: Report) -> Path:
    """A folder with the program `karpenter` and its kinds, `crds.json`: out of the cache or built into it."""
    go = golang.find([MODULE], report)
    digest = toolchain.digest(MODULE, go.version.encode(), Path(__file__).read_bytes())

    def make(new: Path) -> None:
        toolchain.compile_program(_PROGRAM, go, new / "karpenter", report)
        folders = {name: golang.module_folder(go, MODULE, name) for name in (_CORE, _AWS)}
        kinds = [yaml.safe_load((folders[name] / file).read_text()) for name, file in _KINDS]
        (new / "crds.json").write_text(json.dumps(kinds))

    return toolchain.cached("karpenter", digest, make)
