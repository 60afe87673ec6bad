"""Commands about samples that models kept: erase, export."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from slipway_server.capture.subject import MOST_BYTES, subject_of

from slipway import console
from slipway.cluster.capture_keys import CaptureKeys, capture_keys
from slipway.commands.changing.session import Options, confirm
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.noting import notes_of
from slipway.environments.planning.kinds import planning
from slipway.errors.base import FileRefused, Place, WrongValue
from slipway.samples.bucket import Bucket
from slipway.samples.erase import NOT_LOOKED_AT, Proof, erase
from slipway.samples.errors import NoSamples
from slipway.samples.export import export
from slipway.samples.found import folder


def erase_subject(context: EnvironmentContext, subject: str, options: Options, *, as_json: bool) -> None:
    """Erase all samples about a subject, and print what was looked at and done. The trail gets its digest alone."""
    keys, bucket, samples = _opened(context)
    digest = keys.digest(_checked(subject))
    confirm(f"erase all samples about this subject ({digest[:16]}) in {context.name}", options, changing=True)
    with notes_of(context).during("erase", digest) as noted, console.Progress() as progress:
        proof = erase(bucket, samples, digest, lambda text: progress.report("erasing", text))
        noted.extend(_lines(proof))
    if as_json:
        console.document({"environment": context.name, **proof.to_json()})
        return
    for line in _lines(proof):
        console.message(line)
    for line in NOT_LOOKED_AT:
        console.message(f"not looked at: {line}")
    console.result(f"erased in `{context.name}`: {digest}")


def erase_expired(context: EnvironmentContext, options: Options) -> None:
    """Delete what is older than its model's `capture.keep`, for stores that do not do so themselves."""
    _, bucket, samples = _opened(context)
    there = folder(bucket, samples)
    versions = there.expired(datetime.now(tz=UTC))
    confirm(f"delete {len(versions)} expired objects with samples in {context.name}", options, changing=bool(versions))
    with notes_of(context).during("erase", "", [f"{len(versions)} expired versions"]):
        bucket.delete(versions)
    console.result(f"{len(versions)} expired objects deleted")


def export_subject(context: EnvironmentContext, subject: str, output: Path | None) -> None:
    """Write all samples about a subject, a line of JSON each, to a file that is not there yet, or to stdout."""
    keys, bucket, samples = _opened(context)
    digest = keys.digest(_checked(subject))
    count = 0
    with notes_of(context).during("export", digest) as noted, _written(output) as write, console.Progress() as progress:
        for one in export(bucket, samples, digest, keys.private, lambda text: progress.report("exporting", text)):
            write(json.dumps(one, ensure_ascii=False))
            count += 1
        noted.append(f"{count} samples")
    console.message(f"{count} samples about this subject ({digest[:16]})")


def _lines(proof: Proof) -> list[str]:
    lines = [
        f"looked at {proof.keys_seen} versions of keys and {proof.batches_seen} of batches",
        f"{proof.keys_destroyed} versions of the subject's keys destroyed",
        f"{proof.batches_deleted} versions of batches deleted that had samples of it alone",
    ]
    if proof.gone_by is not None:
        by = f"{proof.gone_by:%Y-%m-%d}"
        lines.append(f"{proof.unreadable} samples beside others' are unreadable from now on, and expire by {by}")
    if proof.strange:
        lines.append(f"{proof.strange} versions of objects there were written by no model server, and stayed")
    return lines


def _opened(context: EnvironmentContext) -> tuple[CaptureKeys, Bucket, str]:
    store = planning(context.settings).model_store(context.name, "")
    if store is None or store.samples is None:
        raise NoSamples(context.name, "its settings have no model_store.samples")
    context.running.check_account()
    keys = capture_keys(context.cluster)
    if keys is None:
        raise NoSamples(context.name, "its cluster has no keys of any, and no model ever had `capture`")
    return keys, Bucket(store), store.samples


def _checked(subject: str) -> str:
    """The subject as model servers read it in the header."""
    try:
        if (found := subject_of(subject.encode())) is not None:
            return found
    except ValueError:
        pass
    # Never in a message: it may be somebody's name.
    allowed = f"text of up to {MOST_BYTES} bytes, as clients send it in x-slipway-subject"
    place = Place("command line")
    raise WrongValue(place, "--subject", None, "is no name of a subject", allowed, "write what clients send")


@contextmanager
def _written(output: Path | None) -> Iterator[Callable[[str], object]]:
    """Give what writes a line; a file is for its owner alone."""
    if output is None:
        yield lambda line: console.out.out(line, highlight=False)
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(str(output), problem, "a file that is not there yet", "name another with --output") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yield lambda line: print(line, file=file)
