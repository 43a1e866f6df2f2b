"""Checkpoints with numpy's numbers beside the weights load; whatever else a pickle may name is refused unread."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from published_files import logits, save_published, small_network

from MedCLIPSegLab.models.commands import import_model
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.zoo.reading import read_tensors

PUBLISHED = Path(__file__).parents[2] / "Data" / "Published"


@pytest.mark.parametrize("numpy_version", [1, 2])
def test_files_written_with_either_numpy(numpy_version: int) -> None:
    """Written by torch with numpy 1.26.4 and 2.4.6: a layer under ``module.``, Adam, learning rates and scores."""
    file = PUBLISHED / f"numpy{numpy_version}_checkpoint.pth"
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 3)
    tensors = read_tensors(file)
    assert list(tensors) == ["weight", "bias"]
    for name, tensor in layer.state_dict().items():  # before its only step
        assert torch.allclose(tensors[name], tensor, atol=4e-4)
        assert tensors[name].dtype == torch.float32


KINDS = (np.bool_, np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64, np.complex64, np.complex128)


@pytest.mark.parametrize("zipped", [True, False])
def test_every_kind_of_number_may_stand_beside_the_weights(a_checkpoint: Path, zipped: bool) -> None:
    network = small_network("unimedclip")
    content = torch.load(save_published(network, a_checkpoint), weights_only=True)
    content["model"] = {f"module.{name}": tensor for name, tensor in content["model"].items()}
    content |= {kind.__name__: kind(1) for kind in KINDS} | {
        "best_dice": np.float32(0.9),
        "swapped": np.array(1, ">f8")[()],
    }
    content["optimizer"]["param_groups"][0]["lr"] = np.float64(3e-4)
    content["milestones"] = Counter([30, 60])
    torch.save(content, a_checkpoint, _use_new_zipfile_serialization=zipped)
    import_model(a_checkpoint, "mine")
    assert torch.equal(logits(load_model("mine").network), logits(network))


def text(value: str) -> bytes:
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def number(value: int) -> bytes:
    encoded = pickle.encode_long(value)
    return b"\x8a" + bytes([len(encoded)]) + encoded


def named(path: str) -> bytes:
    module, _, name = path.rpartition(".")
    return f"c{module}\n{name}\n".encode()


def called(path: str, *arguments: bytes) -> bytes:
    return named(path) + b"(" + b"".join(arguments) + b"tR"


def in_numpy(code: str, state: bytes = b"") -> bytes:
    """A type of numpy's; its state is set where there is one."""
    return called("numpy.dtype", text(code), b"\x89", b"\x88") + state + (b"b" if state else b"")


def state(*, fields: bytes = b"NN", flags: int = 0) -> bytes:
    return b"(" + number(3) + text("<") + b"N" + fields + number(-1) + number(-1) + number(flags) + b"t"


def latin(value: str, codec: str = "latin1") -> bytes:
    return called("_codecs.encode", text(value), text(codec))


SCALAR = "numpy.core.multiarray.scalar"
RUN = "touch executed"
DEEP = b")" + b"\x85" * 200_000
HOSTILE = {
    "os.system": called("os.system", text(RUN)),
    "posix.system": called("posix.system", text(RUN)),
    "eval": called("builtins.eval", text("open('executed', 'w')")),
    "exec of Python 2": called("__builtin__.execfile", text("executed")),
    "getattr": called("builtins.getattr", named("numpy.dtype"), text("type")),
    "numpy.load": called("numpy.load", text("executed")),
    "numpy.memmap": called("numpy.memmap", text("executed")),
    "an array": called("numpy.core.multiarray._reconstruct", named("numpy.ndarray"), b")", text("b")),
    "an array of objects": called("numpy.ndarray", b")", in_numpy("O")),
    "functools.partial": called("functools.partial", named("os.system"), text(RUN)),
    "codecs.decode": called("codecs.decode", latin("x"), text("rot13")),
    "another checkpoint": called("torch.serialization.load", text("executed")),
    "a module": called("torch.nn.modules.linear.Linear", number(2), number(2)),
    "a sparse tensor": called("torch._utils._rebuild_sparse_tensor", b"N", b"N"),
    "an object": called(SCALAR, in_numpy("O"), latin(RUN)),
    "a pickled object": called("numpy._core.multiarray.scalar", in_numpy("O8"), latin(f"cos\nsystem\n(S'{RUN}'\ntR.")),
    "a structure": called(SCALAR, in_numpy("f4,O"), latin("x" * 12)),
    "a structure by state": called(
        SCALAR,
        in_numpy("f4", state(fields=b"(" + text("a") + b"t}" + text("a") + in_numpy("f4") + number(0) + b"\x86s")),
        latin("x" * 4),
    ),
    "untrue flags": called(SCALAR, in_numpy("f4", state(flags=63)), latin("x" * 4)),
    "bare memory": called(SCALAR, in_numpy("V8"), latin("x" * 8)),
    "a number of another size": called(SCALAR, in_numpy("f8"), latin("x" * 4)),
    "a number of a text": called(SCALAR, in_numpy("f4"), text("xxxx")),
    "a number of nothing": called(SCALAR, number(3), latin("xxxx")),
    "a type of objects": called("numpy.dtypes.ObjectDType"),
    "a slow codec": latin("".join(chr(0x4E00 + n) for n in range(20_000)) * 5, "punycode"),
    "a codec that runs": latin("x", "rot13"),
    "a buffer of six gigabytes": called("builtins.bytearray", number(6 * 10**9)),
    "a storage of a terabyte": b"("
    + text("storage")
    + named("torch.FloatStorage")
    + text("0")
    + text("cpu")
    + number(10**12)
    + b"tQ",
    "a state for a function": named(SCALAR) + b"}" + text("__code__") + b"Nsb",
    "a state for a type": named("collections.OrderedDict") + b"N}" + text("__setitem__") + b"Ns\x86b",
    "a deep key": b"}" + DEEP + b"Ns",
    "a deep key in order": called("collections.OrderedDict") + DEEP + b"Ns",
    "a deep member": called("builtins.set", b"](" + DEEP + b"e"),
    "a name by the stack": text("os") + text("system") + b"\x93(" + text(RUN) + b"tR",
    "a registered name": b"\x82\x01",
    "a far memo": b"Nr\xff\xff\xff\xff" + b"j\xfe\xff\xff\xff",
    "a text beyond the end": b"X\xff\xff\xff\xff",
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_else_is_even_looked_at(
    name: str, zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, "load", lambda *_arguments, **_options: pytest.fail("torch read it"))
    content = b"\x80\x02}" + text("model") + b"}s" + text("best_dice") + HOSTILE[name] + b"s."
    file = tmp_path / "x.pth"
    if zipped:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x/data.pkl", content)
            archive.writestr("x/version", "3\n")
    else:
        start = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {})]
        file.write_bytes(b"".join(start) + content + pickle.dumps([], 2))
    with pytest.raises(MedCLIPSegError, match=r"x\.pth (holds more than weights|is damaged)") as caught:
        read_tensors(file)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
    assert [path.name for path in tmp_path.iterdir()] == ["x.pth"]
