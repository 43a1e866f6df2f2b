"""Files made to harm are refused with one sentence; nothing in them runs, nothing is written outside our folder."""

from __future__ import annotations

import json
import os
import pickle
import stat
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from published_files import save_published, small_network

from MedCLIPSegLab.models.commands import (
    export_model,
    import_model,
    list_models,
    model_info,
    remove_model,
    verify_model,
)
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import describe_model
from MedCLIPSegLogic.model.library import load_model

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
TEN_GB = 10 * 10**9


class Bomb:
    """Touches a file when unpickled."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._marker,)


@pytest.fixture
def outside(tmp_path: Path, a_home: Path) -> Iterator[Path]:
    """A folder in which nothing may change, together with the folder of models, which must end without models."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    yield folder
    assert [path.name for path in folder.iterdir()] == ["secret.txt"]
    assert (folder / "secret.txt").read_text() == "secret"
    assert not (tmp_path / "executed").exists()


def refused(file: Path, words: str, home: Path) -> None:
    """The import ends with one sentence and leaves no model behind."""
    with pytest.raises(MedCLIPSegError, match=words) as caught:
        import_model(file, "mine")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert len(sentence) < 500
    assert [path for path in home.rglob("*") if path.is_file() and path.name != ".lock"] == []


def bomb_alone(file: Path, bomb: Bomb) -> None:
    file.write_bytes(pickle.dumps(bomb))


def bomb_in_torch(file: Path, bomb: Bomb) -> None:
    torch.save({"model": small_network("unimedclip").state_dict(), "best_dice": bomb}, file)


def bomb_in_old_torch(file: Path, bomb: Bomb) -> None:
    torch.save({"model": bomb}, file, _use_new_zipfile_serialization=False)


def whole_module(file: Path, _bomb: Bomb) -> None:
    torch.save(torch.nn.Linear(2, 2), file)


def system_call(file: Path, _bomb: Bomb) -> None:
    file.write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")


def bomb_in_archive(file: Path, bomb: Bomb) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(bomb))
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")


def torch_script(file: Path, _bomb: Bomb) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(file))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["x.pth", "x.safetensors", "x.zip", "x.bin"])
def test_pickles_that_need_more_than_tensors(
    name: str, small_flavors: None, tmp_path: Path, a_home: Path, outside: Path
) -> None:
    makers: tuple[Callable, ...] = (bomb_alone, bomb_in_torch, bomb_in_old_torch, bomb_in_archive)
    for make in (*makers, whole_module, system_call, torch_script):
        make(tmp_path / name, Bomb(tmp_path / "executed"))
        refused(tmp_path / name, "more than weights|safetensors format|damaged|holds no weights|TorchScript", a_home)


SLIPS = ["../../outside/evil.txt", "/tmp/evil.txt", "..\\evil.txt", "C:\\evil.txt", "sub/config.json", "evil.py"]


def test_archives_whose_entries_lead_out(a_checkpoint: Path, tmp_path: Path, a_home: Path, outside: Path) -> None:
    for entry in SLIPS:
        with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
            archive.writestr("config.json", "{}")
            archive.writestr(entry, "evil")
        refused(tmp_path / "model.zip", "has the entry .*, as no model has", a_home)
        with zipfile.ZipFile(tmp_path / "torch.pth", "w") as archive:
            archive.writestr(entry, "evil")
        refused(tmp_path / "torch.pth", "leads out of it|damaged|more than weights", a_home)


def archive_with(file: Path, name: str, content: bytes, mode: int = 0, packing: int = zipfile.ZIP_STORED) -> Path:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = packing
    with zipfile.ZipFile(file, "w") as archive:
        if name != "config.json":
            archive.writestr("config.json", "{}")
        archive.writestr(info, content)
    return file


def test_archives_with_links_bombs_and_twins(tmp_path: Path, small_flavors: None, a_home: Path, outside: Path) -> None:
    link = archive_with(tmp_path / "link.zip", "vocab.txt", b"/etc/passwd", stat.S_IFLNK | 0o777)
    refused(link, "symbolic link", a_home)
    bomb = archive_with(tmp_path / "bomb.zip", "vocab.txt", bytes(64 * 2**20), packing=zipfile.ZIP_DEFLATED)
    refused(bomb, "larger than any model's", a_home)
    # The same archive, lying about the size.
    bomb.write_bytes(bomb.read_bytes().replace(struct.pack("<I", 64 * 2**20), struct.pack("<I", 1000)))
    refused(bomb, "damaged|unpacks to more", a_home)
    with zipfile.ZipFile(tmp_path / "twins.zip", "w") as archive:
        archive.writestr("config.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("config.json", "{}")
    refused(tmp_path / "twins.zip", "two entries of the same name", a_home)


def test_packed_records_of_a_checkpoint(tmp_path: Path, small_flavors: None, a_home: Path, outside: Path) -> None:
    save_published(small_network("unimedclip"), tmp_path / "x.pth")
    with (
        zipfile.ZipFile(tmp_path / "x.pth") as plain,
        zipfile.ZipFile(tmp_path / "y.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    refused(tmp_path / "y.pth", "packed record", a_home)


def header(text: bytes, length: int | None = None, tail: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text + tail


def tensors(**entries: object) -> bytes:
    return json.dumps(entries).encode()


HEADERS = {
    "longer than the file": header(b"{}", 10**6),
    "longest": header(b"{}", 2**64 - 1),
    "empty": header(b""),
    "no JSON": header(b"{" + b"\xff" * 50),
    "list": header(b"[1]"),
    "deep": header(b'{"a":' * 20_000),
    "beyond the end": header(tensors(x={"dtype": "F32", "shape": [4], "data_offsets": [0, 16]})),
    "overlapping": header(
        tensors(
            x={"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            y={"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        ),
        tail=bytes(4),
    ),
    "huge shape": header(tensors(x={"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}), tail=bytes(4)),
    "negative": header(tensors(x={"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}), tail=bytes(4)),
    "unknown type": header(tensors(x={"dtype": "EVIL", "shape": [1], "data_offsets": [0, 4]}), tail=bytes(4)),
}


def test_absurd_safetensors_headers(
    a_model_folder: Path, small_flavors: None, tmp_path: Path, a_home: Path, outside: Path
) -> None:
    for content in HEADERS.values():
        (tmp_path / "x.safetensors").write_bytes(content)
        refused(tmp_path / "x.safetensors", "damaged or not in safetensors format", a_home)
        (a_model_folder / "model.safetensors").write_bytes(content)
        with pytest.raises(MedCLIPSegError, match="damaged or not in safetensors format"):
            load_model(a_model_folder)


def sparse(path: Path, start: bytes = b"") -> Path:
    with path.open("wb") as file:
        file.write(start)
        file.truncate(TEN_GB)
    return path


def test_sparse_files_of_ten_gigabytes(
    small_flavors: None, tmp_path: Path, a_home: Path, outside: Path, a_model_folder: Path
) -> None:
    claims = header(tensors(x={"dtype": "U8", "shape": [TEN_GB], "data_offsets": [0, TEN_GB]}))
    starts = (("x.pth", b""), ("x.pth", b"PK\x03\x04"), ("x.pth", b"\x80\x02"), ("x.zip", b"PK\x03\x04"))
    for name, start in (*starts, ("x.safetensors", claims)):
        refused(sparse(tmp_path / name, start), r"10\.0 GB", a_home)
    for name in ("model.json", "config.json", "vocab.txt", "model.safetensors", "backbone.json"):
        kept = (a_model_folder / name).read_bytes() if (a_model_folder / name).exists() else None
        sparse(a_model_folder / name)
        describe_model(a_model_folder)
        if name != "model.json":  # the card is not needed to load
            with pytest.raises(MedCLIPSegError, match=r"10,000 MB, more than"):
                load_model(a_model_folder)
        (a_model_folder / name).unlink()
        if kept is not None:
            (a_model_folder / name).write_bytes(kept)


def test_a_checkpoint_cut_short(a_checkpoint: Path, a_home: Path, outside: Path) -> None:
    whole = a_checkpoint.read_bytes()
    for tenth in range(10):
        a_checkpoint.write_bytes(whole[: len(whole) * tenth // 10])
        refused(a_checkpoint, "damaged", a_home)


def test_an_archive_cut_short(a_checkpoint: Path, tmp_path: Path, a_home: Path, outside: Path) -> None:
    import_model(a_checkpoint, "first")
    export_model("first", tmp_path / "model.zip")
    remove_model("first")
    whole = (tmp_path / "model.zip").read_bytes()
    for tenth in range(10):
        (tmp_path / "model.zip").write_bytes(whole[: len(whole) * tenth // 10])
        refused(tmp_path / "model.zip", "damaged", a_home)


@pytest.mark.parametrize("part", ["adapter.safetensors", "backbone"])
def test_installed_weights_cut_short(part: str, a_checkpoint: Path, a_home: Path) -> None:
    folder = import_model(a_checkpoint, "mine").folder
    path = next((a_home / "backbones").iterdir()) if part == "backbone" else folder / part
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        for use in (load_model, verify_model):
            with pytest.raises(MedCLIPSegError, match=r"damaged|was changed"):
                use("mine")


PATHS = ["../../outside/secret.txt", "/etc/passwd", "..", "", "A" * 64, "0" * 63, "0" * 64 + "\n", 7, None, ["x"], {}]


def test_json_with_paths_out_of_the_folder(a_checkpoint: Path, outside: Path) -> None:
    folder = import_model(a_checkpoint, "mine").folder
    for path in PATHS:
        (folder / "backbone.json").write_text(json.dumps({"sha256": path}))
        assert not describe_model("mine").on_disk
        for use in (load_model, verify_model):
            with pytest.raises(MedCLIPSegError, match=r"backbone|was changed"):
                use("mine")
    remove_model("mine")


def test_garbled_json(a_checkpoint: Path, a_home: Path) -> None:
    folder = import_model(a_checkpoint, "mine").folder
    texts = ("{", "[]", '"x"', "null", "[" * 100_000, "\x00", '{"files": 3}', '{"files": [1]}')
    for name in ("backbone.json", "import.json", "model.json"):
        good = (folder / name).read_bytes()
        for text in texts:
            (folder / name).write_text(text)
            list_models()
            model_info("mine")
            if name != "model.json":
                with pytest.raises(MedCLIPSegError, match=f"{name}|was changed"):
                    verify_model("mine")
        (folder / name).write_bytes(good)
    for name in ("consents.json", "hashes.json"):
        for text in ("{", "[]", "[" * 100_000, '{"CC BY-NC 4.0": 3}'):
            (a_home / name).write_text(text)
            assert "accepted" not in model_info("busi")["license"]


def test_recorded_files_do_not_lead_out(a_checkpoint: Path, outside: Path) -> None:
    folder = import_model(a_checkpoint, "mine").folder
    (folder / "import.json").write_text(json.dumps({"files": {"../../../outside/secret.txt": "0" * 64}}))
    verify_model("mine")  # names that lead elsewhere are not looked at


@needs_links
def test_links_out_of_a_model_folder(a_checkpoint: Path, tmp_path: Path, outside: Path) -> None:
    folder = import_model(a_checkpoint, "mine").folder
    names = ("config.json", "vocab.txt", "adapter.safetensors", "backbone.json", "import.json", "model.json")
    for name in names:
        (folder / name).rename(tmp_path / "elsewhere")
        (folder / name).symlink_to(tmp_path / "elsewhere")
        describe_model("mine")
        if name != "model.json":
            with pytest.raises(MedCLIPSegError, match="symbolic link that leads out"):
                verify_model("mine")
        (folder / name).unlink()
        (tmp_path / "elsewhere").rename(folder / name)
    (folder / "vocab.txt").rename(tmp_path / "elsewhere")
    (folder / "vocab.txt").symlink_to(tmp_path / "elsewhere")
    remove_model("mine")
    assert (tmp_path / "elsewhere").exists()


@needs_links
def test_links_for_models_and_backbones(a_checkpoint: Path, a_home: Path, tmp_path: Path, outside: Path) -> None:
    folder = import_model(a_checkpoint, "mine").folder
    backbone = next((a_home / "backbones").iterdir())
    backbone.rename(tmp_path / "elsewhere")
    backbone.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MedCLIPSegError, match="symbolic link that leads out"):
        load_model("mine")
    backbone.unlink()
    backbone.symlink_to(outside / "secret.txt")
    import_model(a_checkpoint, "again")
    assert not backbone.is_symlink()
    folder.rename(tmp_path / "moved")
    folder.symlink_to(outside)
    with pytest.raises(MedCLIPSegError, match="no installed model 'mine'"):
        remove_model("mine")
    with pytest.raises(MedCLIPSegError, match="a model 'mine' already"):
        import_model(a_checkpoint, "mine")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_regular_file(tmp_path: Path, a_model_folder: Path, small_flavors: None, a_home: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    refused(tmp_path / "pipe.pth", "not a regular file", a_home)
    refused(tmp_path, "not a regular file", a_home)
    refused(tmp_path / "gone.pth", "no file", a_home)
    (a_model_folder / "config.json").unlink()
    os.mkfifo(a_model_folder / "config.json")
    with pytest.raises(MedCLIPSegError, match="not a regular file"):
        load_model(a_model_folder)


@pytest.mark.filterwarnings("ignore:Validating sparse")
def test_tensors_that_claim_more_than_they_have(a_checkpoint: Path, a_home: Path) -> None:
    state = small_network("unimedclip").state_dict()
    state["mask_head.0.weight"] = torch.zeros(1).expand(2**20, 2**20)
    torch.save({"model": state}, a_checkpoint)
    a_checkpoint.with_name("vocab.txt").rename(a_checkpoint.with_name("words.txt"))
    refused(a_checkpoint, r"its weights would take 4\.4e\+12 bytes", a_home)
    state["mask_head.0.weight"] = torch.zeros(16, 16).to_sparse()
    torch.save({"model": state}, a_checkpoint)
    refused(a_checkpoint, r"more than weights \(torch\._utils\._rebuild_sparse_tensor\)", a_home)
