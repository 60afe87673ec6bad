"""What the CPU can do is looked at before anything is loaded: what is required, and what is merely slow."""

from pathlib import Path

import pytest
from slipway_server.startup.cpu import check_cpu, computes_in_integers
from slipway_server.startup.ports import StartError
from slipway_server.values.instructions import features, flags

ROOT = Path(__file__).parents[2]
HASWELL = "processor\t: 0\nmodel name\t: Old\nflags\t\t: fpu sse2 avx avx2 fma\n\nprocessor\t: 1\nflags\t\t: fpu\n"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The kernel's words about a CPU with AVX2 and nothing later."""
    file = tmp_path / "cpuinfo"
    file.write_text(HASWELL)
    return file


@pytest.mark.parametrize(
    ("has", "found"),
    [
        ("avx2", ("avx2",)),
        ("avx2 avx512f", ("avx2",)),
        ("avx2 avx512f avx512bw avx512cd avx512dq avx512vl", ("avx2", "avx512")),
        ("avx2 avx_vnni", ("avx2", "vnni")),
        ("avx512_vnni", ("vnni",)),
        ("amx_tile amx_int8 amx_bf16", ("amx",)),
        ("amx_tile", ()),
        ("asimd sve", ()),
    ],
)
def test_a_feature_is_there_with_all_flags_of_one_of_its_sets(has: str, found: tuple[str, ...]) -> None:
    assert features(frozenset(has.split())) == found


def test_the_flags_are_those_of_the_first_cpu(old: Path) -> None:
    assert flags(old) == {"fpu", "sse2", "avx", "avx2", "fma"}
    assert flags(old.with_name("away")) == frozenset()


def test_a_required_feature_that_is_not_there_is_named_with_its_flags_and_what_to_do(old: Path) -> None:
    with pytest.raises(StartError) as error:
        check_cpu(["avx2", "vnni"], None, old)
    assert str(error.value) == (
        "this node's CPU has no vnni (flags avx512_vnni or avx_vnni), which resources.cpu_features asks for; it "
        "has avx2; next: say in the pool's cpu_features what all of its nodes have"
    )


def test_what_is_there_is_logged(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_cpu(["avx2"], ROOT / "models/digits/model.onnx", old)
    said = capsys.readouterr().err
    assert '"event": "cpu", "features": ["avx2"]' in said
    assert '"slow"' not in said


def test_a_model_in_whole_numbers_is_slow_without_vnni(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnx  # noqa: PLC0415 - only here

    node = onnx.helper.make_node("MatMulInteger", ["a", "b"], ["c"])
    graph = onnx.helper.make_graph([node], "g", [], [])
    model = tmp_path / "model.onnx"
    onnx.save(onnx.helper.make_model(graph), model)
    assert computes_in_integers(model)
    check_cpu([], model, old)
    assert '"event": "slow"' in capsys.readouterr().err
    old.write_text(HASWELL.replace("avx2", "avx2 avx_vnni"))
    check_cpu([], model, old)
    assert '"event": "slow"' not in capsys.readouterr().err


def test_weights_of_another_format_are_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"\x22\x0dMatMulInteger")
    assert not computes_in_integers(tmp_path / "model.tflite")
