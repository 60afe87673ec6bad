"""Validate, plan and render a folder of specs in this process, and print the seconds of each step as JSON.

python -m tests.bench.render_once SPECS SETTINGS ENVIRONMENT
"""

import itertools
import json
import sys
import time
from pathlib import Path

from slipway.loading.specs import find_root, load_environment
from slipway.plan.code_digests import code_digests
from slipway.planner.environment import plan
from slipway.render.model import render_model
from slipway.render.yaml import to_yaml


def main() -> None:
    """Take the steps that `slipway render` takes; all specs are validated and planned before the first is rendered."""
    models, settings_folder, environment = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    marks = [time.perf_counter()]
    settings, specs = load_environment(settings_folder, environment, models, find_root(models))
    marks.append(time.perf_counter())
    planned = plan(environment, settings, specs, code_digests())
    marks.append(time.perf_counter())
    rendered = [render_model(model, model.image.reference) for model in planned.models]
    marks.append(time.perf_counter())
    size = sum(len(to_yaml(manifests)) for manifests in rendered)
    marks.append(time.perf_counter())
    spent = [end - begin for begin, end in itertools.pairwise(marks)]
    print(json.dumps({**dict(zip(("validate", "plan", "render", "text"), spent, strict=True)), "bytes": size}))


if __name__ == "__main__":
    main()
