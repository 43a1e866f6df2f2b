"""``medclipseg models`` end to end on small files."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub
from PIL import Image
from published_files import SMALL, save_published, small_network, write_vocabulary
from small_zoo import ENTRY, publish, use

from MedCLIPSegLab.cli.app import main
from MedCLIPSegLogic.model import manifest
from MedCLIPSegLogic.zoo import importing


@pytest.fixture(autouse=True)
def small_flavors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "FLAVORS", SMALL)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object, answer: str = "") -> int:
    monkeypatch.setattr(sys, "argv", ["medclipseg", *map(str, arguments)])
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_a_file_on_a_stick_segments_an_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, a_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_vocabulary(tmp_path)
    checkpoint = save_published(small_network("unimedclip"), tmp_path / "latest.pth")
    assert call(monkeypatch, "models", "import", checkpoint, "--as", "busi", "--half", "--keys") == 0
    printed = capsys.readouterr().out
    assert "mask_head.4.bias -> mask_head.4.bias (16,) float32, adapter\n" in printed
    assert "rounded to 16 bits" in printed
    assert "medclipseg segment … --model busi" in printed

    assert call(monkeypatch, "models", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["mini", "bundled"]
    assert next(line for line in lines if line.startswith("busi ")).split()[1] == "installed"
    assert f"lie in {a_home}." in lines[-2]
    assert "commercial use: biomedclip (MIT)" in lines[-1]

    assert call(monkeypatch, "models", "info", "busi") == 0
    printed = capsys.readouterr().out
    assert "mean of the six sets at this share 88.66 %" in printed
    assert "commercial use: not allowed by any stated license" in printed
    assert "license: not stated (probably CC BY-NC 4.0, that of the UniMed-CLIP towers inside)" in printed

    Image.new("RGB", (40, 30)).save(tmp_path / "image.png")
    arguments = ("--prompt", "tumor", "--out", tmp_path / "out", "--model", "busi", "--samples", 2)
    assert call(monkeypatch, "segment", tmp_path / "image.png", *arguments) == 0

    assert call(monkeypatch, "models", "verify", "busi") == 0
    assert call(monkeypatch, "models", "export", "busi", tmp_path / "busi.zip") == 0
    assert call(monkeypatch, "models", "remove", "busi") == 0
    assert "its backbone" in capsys.readouterr().out
    assert call(monkeypatch, "segment", tmp_path / "image.png", *arguments, "--overwrite") == 2
    assert "medclipseg models download busi" in capsys.readouterr().err


def test_a_download_asks_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, a_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(manifest.zoo(), "busi", ENTRY)
    with LoopbackHub() as hub:
        publish(hub, tmp_path)
        use(hub, monkeypatch)
        for command in ("list", "info busi"):
            assert call(monkeypatch, "models", *command.split()) == 0
        assert hub.requests == []
        for answer in ("n\n", "\n", ""):
            assert call(monkeypatch, "models", "download", "busi", answer=answer) == 1
        printed = capsys.readouterr().out
        assert "License: CC BY-NC 4.0" in printed
        assert "Download: 0 MB\n" in printed
        assert [method for method, _path, _headers in hub.requests] == ["HEAD"] * 3
        hub.refusal = 503, ""
        assert call(monkeypatch, "models", "download", "busi", answer="n\n") == 1
        assert "at least 0 MB" in capsys.readouterr().out
        assert call(monkeypatch, "models", "download", "busi", "--yes") == 2
        sentence = capsys.readouterr().err
        assert "error 503" in sentence
        assert sentence.count("\n") == 1
        (a_home / "consents.json").unlink()
        hub.refusal = None
        assert not (a_home / "consents.json").exists()

        assert call(monkeypatch, "models", "download", "busi", answer="y\n") == 0
        printed = capsys.readouterr()
        assert "Warning: the SHA-256 of someone/models/BUSI/latest.pth is published nowhere" in printed.err
        assert "Adapter: " in printed.out
        assert call(monkeypatch, "models", "download", "busi", "--yes") == 0
        assert "on this computer already" in capsys.readouterr().out


def test_mistakes_get_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (("download", "maxi", "--yes"), "no published model 'maxi'"),
        (("download", "x\ny" * 200, "--yes"), "no published model 'x yx y"),
        (("info", "maxi"), "no model 'maxi'"),
        (("info", "x\ny" * 200), "no model 'x yx y"),
        (("verify", "x" * 3000), "no model 'xxx"),
        (("export", "mini", "x\ny"), "x y should end in .pth"),
        (("remove", "busi"), "no installed model 'busi'"),
        (("verify", "busi"), "models download busi"),
        (("import", "gone.pth", "--as", "mine"), "no file gone.pth"),
        (("export", "busi", "busi.zip"), "models download busi"),
    ):
        assert call(monkeypatch, "models", *arguments) == 2
        sentence = capsys.readouterr().err
        assert words in sentence
        assert sentence.count("\n") == 1


def test_a_home_of_nobody_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MEDCLIPSEG_HOME", "~nosuchuser/models")
    assert call(monkeypatch, "models", "list") == 2
    assert "set MEDCLIPSEG_HOME to a folder" in capsys.readouterr().err
