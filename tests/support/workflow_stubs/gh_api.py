"""Stub of `gh api`: pull requests, comments and issues in a file instead of GitHub; jq itself evaluates `--jq`."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jq  # type: ignore[import-not-found] # it has no types

parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["api"])
parser.add_argument("path")
parser.add_argument("--method", default="GET")
parser.add_argument("--jq")
parser.add_argument("--paginate", action="store_true")
parser.add_argument("--silent", action="store_true")
parser.add_argument("-f", dest="raw", action="append", default=[])
parser.add_argument("-F", dest="typed", action="append", default=[])
given = parser.parse_args()
assert os.environ["GH_TOKEN"], "gh asks for a token"
file = Path(os.environ["STUB_FOLDER"], "github.json")
github = json.loads(file.read_text())
fields = dict(field.split("=", 1) for field in given.raw)
for name, value in (field.split("=", 1) for field in given.typed):
    fields[name] = Path(value[1:]).read_text() if value.startswith("@") else value
repository = f"repos/{os.environ['GITHUB_REPOSITORY']}/"
assert given.path.startswith(repository), given.path
answer: Any
match given.method, *unquote(given.path.removeprefix(repository)).split("/"):
    case "GET", "pulls":
        owner, branch = fields["head"].split(":", 1)
        answer = [pull for pull in github["pulls"] if pull["state"] == fields["state"]]
        answer = [pull for pull in answer if (pull["head"]["user"], pull["head"]["ref"]) == (owner, branch)]
    case "GET", "issues", number, "comments":
        answer = github["comments"].get(number, [])
    case "POST", "issues", number, "comments":
        answer = {
            "id": 1000 + sum(map(len, github["comments"].values())),
            "user": {"login": "github-actions[bot]"},
            "body": fields["body"],
        }
        github["comments"].setdefault(number, []).append(answer)
    case "PATCH", "issues", "comments", identifier:
        (answer,) = (one for some in github["comments"].values() for one in some if one["id"] == int(identifier))
        answer["body"] = fields["body"]
    case "DELETE", "issues", "comments", identifier:
        for some in github["comments"].values():
            some[:] = [one for one in some if one["id"] != int(identifier)]
        answer = None
    case "GET", "issues":
        answer = [one for one in github["issues"] if one["state"] == fields["state"]]
    case "POST", "issues":
        user = {"login": "github-actions[bot]"}
        answer = {"number": 100 + len(github["issues"]), "state": "open", "user": user, **fields}
        github["issues"].append(answer)
    case "PATCH", "issues", number:
        (answer,) = (one for one in github["issues"] if one["number"] == int(number))
        answer |= fields
    case _:
        sys.exit(f"this stub of gh does not know: {sys.argv[1:]}")
file.write_text(json.dumps(github))
if given.jq:
    for value in jq.compile(given.jq).input_value(answer).all():
        print(value if isinstance(value, str) else json.dumps(value))
elif not given.silent:
    print(json.dumps(answer))
