"""Write the software bill of materials of a model's image, from what the plan knows: nothing is scanned.

The bytes are the same on every machine and at every time: no date is in them, and the serial number follows from what
the image is made of.
"""

import json
from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from slipway.plan.image import ImageFile, ImagePlan, OwnImagePlan
from slipway.plan.model import ModelPlan
from slipway.runtimes.registry import weights_folder
from slipway.sbom.requirements import Distribution, distributions

_MISSING = "the Debian packages and the Python of the base image: its own SBOM or a scanner lists them"


def sbom_of(model: ModelPlan) -> bytes:
    """The bill of materials of a model's image as CycloneDX 1.6 in JSON.

    In it are the weights, the locked distributions with the hashes that are allowed, the server's files, and the base
    image by its name. What stands in the base image is not known here, and the bill says so.
    """
    image = model.image
    subject = Component(
        name=image.repository,
        version=image.tag,
        type=ComponentType.CONTAINER,
        bom_ref="image",
        properties=[Property(name="slipway:inputs", value=image.inputs_digest)],
    )
    if image.own is not None:
        parts = [*_weights(model), *_own(image.own)]
    else:
        parts = [*_weights(model), *_server(image, model), *_distributions(image), _base(image)]
    bom = Bom(
        components=parts,
        serial_number=uuid5(NAMESPACE_URL, f"{image.reference}/{image.inputs_digest}"),
        metadata=BomMetaData(component=subject, properties=[Property(name="slipway:not-listed", value=_MISSING)]),
    )
    bom.register_dependency(subject, parts)
    value = json.loads(JsonV1Dot6(bom).output_as_string())
    # CycloneDX leaves it open, and the library does not: a time would make other bytes on every run.
    del value["metadata"]["timestamp"]
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _weights(model: ModelPlan) -> Iterator[Component]:
    """The weights, each file with its digest; the first is the model, and where it comes from is said of it."""
    folder = weights_folder(model.spec.runtime)
    for number, file in enumerate(file for file in model.image.files if file.image_path.startswith(f"{folder}/")):
        yield Component(
            name=model.name if number == 0 else file.image_path.rpartition("/")[2],
            version=model.version,
            type=ComponentType.MACHINE_LEARNING_MODEL if number == 0 else ComponentType.DATA,
            bom_ref=f"weights:{file.image_path}",
            hashes=[_sha256(digest) for digest in file.digests.values()],
            properties=[
                Property(name="slipway:path", value=file.image_path),
                Property(name="slipway:source", value=model.spec.weights.source),
            ],
            pedigree=_pedigree(model) if number == 0 else None,
        )


def _pedigree(model: ModelPlan) -> Pedigree | None:
    """What the weights were made from, and by which steps; None where the source itself is served."""
    if model.locked is None:
        return None
    source = model.locked.lock.source
    origin = Component(
        name=source.at,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="source",
        hashes=[_sha256(source.sha256)],
        properties=[Property(name="slipway:format", value=source.format)],
    )
    steps = [
        f"{json.dumps(step.step.model_dump(mode='json'), sort_keys=True)} -> sha256:{step.sha256}"
        for step in model.locked.lock.steps
    ]
    return Pedigree(ancestors=[origin], notes="\n".join(steps) or None)


def _server(image: ImagePlan, model: ModelPlan) -> Iterator[Component]:
    """What Slipway adds: its model server, file by file."""
    folder = weights_folder(model.spec.runtime)
    for file in image.files:
        if not file.image_path.startswith(f"{folder}/"):
            yield Component(
                name=file.image_path.rpartition("/")[2],
                version=model.origin.slipway,
                type=ComponentType.APPLICATION,
                bom_ref=f"code:{file.image_path}",
                components=_files(file),
                properties=[Property(name="slipway:path", value=file.image_path)],
            )


def _files(file: ImageFile) -> list[Component]:
    return [
        Component(
            name=f"{file.image_path}/{name}" if name else file.image_path,
            type=ComponentType.FILE,
            bom_ref=f"file:{file.image_path}/{name}",
            hashes=[_sha256(digest)],
        )
        for name, digest in sorted(file.digests.items())
    ]


def _distributions(image: ImagePlan) -> Iterator[Component]:
    """What is installed by lock: for the server, and for what fetches weights or traces where the image has it."""
    beside = [(one.image_path, one.requirements) for one in image.own_wheels]
    for folder, requirements in [("", image.runtime.requirements), *beside]:
        for one in distributions(requirements, image.runtime.architecture):
            url = PackageURL("pypi", name=one.name.lower().replace("_", "-"), version=one.version)
            yield Component(
                name=one.name,
                version=one.version,
                type=ComponentType.LIBRARY,
                bom_ref=f"{folder}#{url.to_string()}" if folder else url.to_string(),
                purl=url,
                external_references=[_files_of(one)],
                properties=[Property(name="slipway:path", value=folder)] if folder else [],
            )


def _files_of(one: Distribution) -> ExternalReference:
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(f"https://pypi.org/project/{one.name}/{one.version}/"),
        comment="the hashes are those of all files that the lock allows; one of them is installed",
        hashes=[_sha256(digest) for digest in one.hashes],
    )


def _base(image: ImagePlan) -> Component:
    """The base image; its digest where the settings name it by one."""
    name, _, digest = image.runtime.base_image.partition("@")
    kind, _, content = digest.partition(":")
    return Component(
        name=name,
        version=digest or None,
        type=ComponentType.CONTAINER,
        bom_ref="base-image",
        description=f"not listed: {_MISSING}",
        hashes=[_sha256(content)] if kind == "sha256" else [],
        properties=[Property(name="slipway:architecture", value=image.runtime.architecture)],
    )


def _own(image: OwnImagePlan) -> Iterator[Component]:
    """Of an image that brings its own server: the image of others by its digest, or the files that it is built from."""
    if image.source is not None:
        name, _, digest = image.source.partition("@")
        yield Component(
            name=name,
            version=digest,
            type=ComponentType.CONTAINER,
            bom_ref="base-image",
            description="not listed: what is in it; its own SBOM or a scanner lists that",
            hashes=[_sha256(digest.partition(":")[2])],
            properties=[Property(name="slipway:architecture", value=image.architecture)],
        )
    for path, file in sorted(image.context.items()):
        yield Component(
            name=path,
            type=ComponentType.FILE,
            bom_ref=f"context:{path}",
            hashes=[_sha256(file.sha256)],
            properties=[Property(name="slipway:path", value=path)],
        )


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)
