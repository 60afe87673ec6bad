"""Pictures become what the spec's steps say: size, middle, scale, mean, order of channels."""

import base64
import io
from pathlib import Path

import numpy as np
import onnx_models
import pytest
from PIL import Image
from processes import config_for, running
from slipway_server.protocol.image import decode, memory_to_decode
from slipway_server.protocol.image_input import image_input
from slipway_server.values.errors import BadRequest, TooLarge
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import PictureSection

FLOAT = onnx_models.FLOAT


def signature(shape: tuple[int | None, ...] = (None, 3, 4, 6), dtype: str = "FP32") -> Signature:
    return Signature((Tensor("image", dtype, shape),), (), {})


def png(colours: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(colours.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def tensor(data: bytes, takes: Signature, **steps: object) -> np.ndarray:
    return decode(data, image_input(takes, PictureSection.model_validate(steps)), "image")["image"]


def refused(takes: Signature, **steps: object) -> str:
    with pytest.raises(BadRequest) as caught:
        image_input(takes, PictureSection.model_validate(steps))
    return str(caught.value)


RED = png(np.full((4, 6, 3), (255, 51, 0)))
GRADIENT = png(np.arange(40 * 20 * 3).reshape(20, 40, 3) % 251)


def test_scale_mean_and_deviation_are_applied_in_this_order_and_by_channel() -> None:
    array = tensor(RED, signature(), mean=[0.5, 0.1, 0.25], std=[0.5, 0.1, 2.0])
    assert array.shape == (1, 3, 4, 6)
    assert array[0, :, 0, 0].tolist() == pytest.approx([1.0, 1.0, -0.125], abs=1e-6)


def test_without_scale_numbers_go_from_0_to_255_and_blue_may_come_first() -> None:
    array = tensor(RED, signature((None, 4, 6, 3)), scale=False, mean=[1, 2, 3], channels="bgr")
    assert array[0, 0, 0].tolist() == [-1.0, 49.0, 252.0]


def test_grey_is_one_channel_and_a_model_may_have_no_dimension_for_rows() -> None:
    assert tensor(RED, signature((1, 4, 6))).shape == (1, 4, 6)
    assert tensor(RED, signature((1, 4, 6), "UINT8")).dtype == np.uint8


def test_the_shorter_side_and_the_middle_are_pillows_own() -> None:
    array = tensor(GRADIENT, signature((None, 3, None, None)), resize=10, crop=[8, 10], scale=False, layout="nchw")
    with Image.open(io.BytesIO(GRADIENT)) as picture:
        resized = picture.resize((20, 10), Image.Resampling.BILINEAR).crop((5, 1, 15, 9))
    assert (array[0].transpose(1, 2, 0) == np.asarray(resized, np.float32)).all()


def test_without_steps_pictures_are_what_they_were() -> None:
    with Image.open(io.BytesIO(GRADIENT)) as picture:
        plain = np.asarray(picture.resize((6, 4), Image.Resampling.BILINEAR), np.float32)
    array = decode(GRADIENT, image_input(signature()), "image")["image"]
    assert (array[0].transpose(1, 2, 0) == plain).all()


@pytest.mark.parametrize(
    ("said", "part"),
    [
        (refused(signature(), resize=[6, 4]), "`input.image.resize` is [6, 4], and the input `image` has the shape"),
        (refused(signature(), resize=[6, 4]), "allowed: [4, 6] (height, width)"),
        (refused(signature(), mean=[1, 2]), "`input.image.mean` has 2 numbers for 3 channels"),
        (refused(signature(), std=[0]), "`input.image.std` is [0"),
        (refused(signature(), channels="grey"), "`input.image.channels` is grey, and the model takes 3"),
        (
            refused(signature((None, 3, None, None))),
            "`input.image.resize` is left out, and the input `image` takes any",
        ),
        (refused(signature(), resize=8), "is the length of the shorter side, 8"),
        (refused(signature(), resize=3, crop=[4, 6]), "`input.image.crop` is [4, 6], more than resize leaves"),
        (refused(signature(), crop=[4, 6]), "`input.image.resize` is left out beside crop"),
        (refused(signature(dtype="UINT8"), scale=True), "`input.image.scale` makes fractions"),
        (refused(signature((None, 10))), "does not fit the input `image` (FP32 [any, 10])"),
        (refused(signature(), layout="nhwc"), "`input.image.layout` does not fit"),
        (refused(Signature((*signature().inputs, Tensor("k", "INT64", ())), (), {})), "the model needs image, k"),
    ],
)
def test_steps_that_do_not_fit_the_model_are_refused_with_what_is_allowed(said: str, part: str) -> None:
    assert part in said


def test_a_narrow_picture_whose_shorter_side_grows_is_reckoned_before_it_is_unpacked() -> None:
    narrow = png(np.zeros((30_000, 2, 3)))
    wanted = image_input(signature((None, 3, None, None)), PictureSection(resize=256, crop=[256, 256]))
    assert memory_to_decode(narrow, wanted, "image", 2**40) > 4 * 256 * 256 * 15_000
    with pytest.raises(TooLarge, match="30000 pixels as PNG"):
        memory_to_decode(narrow, wanted, "image", 2**28)


def test_a_picture_comes_in_a_form_as_base64_or_as_the_body_itself(folder: Path) -> None:
    model = onnx_models.picture(folder, ["N", 3, 4, 6], FLOAT, {})
    check = {"request": {"image": base64.b64encode(RED).decode()}, "expect": {"pixels": {"min": -2, "max": 2}}}
    steps = {"image": {"mean": [0.5], "std": [0.5]}}
    with running(config_for(model, check, input=steps), folder) as server:
        as_text = server.post("/predict", {"image": base64.b64encode(RED).decode()})
        form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + RED + b"\r\n--b--\r\n"
        as_form = server.ask("POST", "/predict", form, content_type="multipart/form-data; boundary=b")
        as_body = server.ask("POST", "/predict", RED, content_type="image/png")
        assert as_text.json["outputs"]["pixels"][0][0][0][0] == 1.0
        assert as_text.body == as_form.body == as_body.body
        assert server.ask("POST", "/predict", b"no picture", content_type="image/jpeg").status == 400
        assert server.ask("POST", "/predict", RED, content_type="image/svg+xml").status == 415
        raw = server.post("/predict", {"input": np.zeros((1, 3, 4, 6)).tolist()})
        assert raw.json["outputs"]["pixels"][0][0][0][0] == 0.0
