"""Tokenizers from the model folder give what transformers and open_clip give, without network."""

from __future__ import annotations

import gzip
import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
from published_files import SMALL, save_published, small_network, write_vocabulary

from MedCLIPSegLab.models.commands import import_model
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.catalog import BUNDLED_MODELS
from MedCLIPSegLogic.model.checkpoint import read_config
from MedCLIPSegLogic.model.flavors import FLAVORS
from MedCLIPSegLogic.model.tokenizer import SPECIAL_TOKENS, PromptTokenizer, build_vocabulary, copy_byte_pairs

DATA = Path(__file__).parents[2] / "Data"
PLAIN = ["one Tumor, in the Breast!", "Léa's polyp ≥ 5 mm", "tumor " * 40, "x"]
LONG = [
    "tumor " * 300,
    "x" * 400,
    "１" * 300,
    "é" * 200,
    "a " * 254,
    "a " * 255,
    "&amp;" * 200,
    "肿" * 300,
    "-" * 500,
    "a\ud83e\udec0b",
]
KINDS = json.loads((DATA / "Prompts" / "odd.json").read_text())
ODD = [*(prompt for kind in KINDS.values() for prompt in kind), *LONG, "a\ud83e\udec0b"]
BYTE_PAIRS = "bpe_simple_vocab_16e6.txt.gz"


def write_letters(folder: Path) -> int:
    """A vocabulary of every letter of the odd prompts, cleaned or not, so that nothing can hide behind [UNK]; its size.

    Beside it is what transformers looks for beside BiomedBERT's.
    """
    texts = [*ODD, *(open_clip.tokenizer.get_clean_fn("whitespace")(text) for text in ODD)]
    forms = {unicodedata.normalize(form, text) for text in texts for form in ("NFC", "NFD")}
    letters = sorted(
        {c for text in forms for c in text + text.lower() if not c.isspace() and not "\ud800" <= c < "\ue000"}
    )
    entries = [*SPECIAL_TOKENS, *letters, *(f"##{c}" for c in letters)]
    (folder / "vocab.txt").write_text("".join(f"{entry}\n" for entry in entries), encoding="utf-8", newline="")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    (folder / "config.json").write_text('{"model_type": "bert"}')
    return len(entries)


@pytest.mark.parametrize("flavor", ["unimedclip", "biomedclip"])
def test_wordpiece_is_that_of_open_clip(flavor: str, tmp_path: Path) -> None:
    assert len(ODD) >= 300
    size = write_letters(tmp_path)
    config = replace(FLAVORS[flavor], text=replace(FLAVORS[flavor].text, vocab_size=size))
    ours = PromptTokenizer(config, tmp_path)
    expected = open_clip.tokenizer.HFTokenizer(str(tmp_path), context_length=config.text.context_length)([*PLAIN, *ODD])
    refused = []
    for prompt, ids in zip([*PLAIN, *ODD], expected.tolist(), strict=True):
        try:
            assert ours([prompt])[0].tolist() == ids, prompt
        except MedCLIPSegError:
            refused.append(prompt)
            assert set(ids) <= set(range(len(SPECIAL_TOKENS))), prompt
    assert len(refused) < 40  # those of nothing but invisible marks, or of letters BERT drops


@pytest.mark.parametrize("flavor", ["clip", "pubmedclip"])
def test_byte_pairs_are_those_of_open_clip(flavor: str, tmp_path: Path) -> None:
    copy_byte_pairs(tmp_path)
    found = PromptTokenizer(FLAVORS[flavor], tmp_path)([*PLAIN, *ODD])
    assert found.shape[1] == 77
    assert found.tolist() == open_clip.get_tokenizer("ViT-B-16")([*PLAIN, *ODD]).tolist()


def test_the_bundled_model_keeps_its_tokens_and_reads_typographic_ones() -> None:
    folder = BUNDLED_MODELS / "mini"
    tokenizer = PromptTokenizer(read_config(folder), folder)
    tables = sorted(DATA.glob("Probes/*/Prompts_Folder/*.csv"))
    known = list(dict.fromkeys(cell for path in tables for cell in path.read_text(encoding="utf-8").split(",")))
    assert len(known) > 50
    plain = tokenizer._wordpiece(known, padding="longest", truncation=True, max_length=64)
    assert tokenizer(known).tolist() == plain["input_ids"]
    assert tokenizer(["Crohn’s ﬁbrous tumor &lt; ５"]).tolist() == tokenizer(["Crohn's fibrous tumor < 5"]).tolist()


def test_a_vocabulary_is_made_of_what_the_tokenizer_sees(tmp_path: Path) -> None:
    build_vocabulary(["ﬁbrous ｔｕｍｏｒ"] * 2, 1000, tmp_path / "vocab.txt")
    assert (tmp_path / "vocab.txt").read_text().splitlines()[-2:] == ["fibrous", "tumor"]


@pytest.mark.parametrize("flavor", ["unimedclip", "clip"])
def test_pieces_of_a_word_belong_together(flavor: str, tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    copy_byte_pairs(tmp_path)
    tokenizer = PromptTokenizer(SMALL[flavor], tmp_path)
    ids = tokenizer(["Tumor gliosis", "tumor"])[0].tolist()
    words = tokenizer.words(ids)
    assert [word for word, _ in words] == ["tumor", "gliosis"]
    assert max(len(positions) for _, positions in words) > 1
    positions = [position for _, group in words for position in group]
    assert positions == list(range(1, len(positions) + 1))
    assert tokenizer.words(tokenizer(["x ≥ a"])[0].tolist())[-1][0] == "a"


@pytest.mark.parametrize(("flavor", "file"), [("unimedclip", "vocab.txt"), ("clip", BYTE_PAIRS)])
def test_the_tokenizer_travels_with_the_model(flavor: str, file: str, tmp_path: Path, small_flavors: None) -> None:
    write_vocabulary(tmp_path)
    folder = import_model(save_published(small_network(flavor), tmp_path / "latest.pth"), "mine").folder
    PromptTokenizer(SMALL[flavor], folder)(PLAIN)
    (folder / file).unlink()
    with pytest.raises(MedCLIPSegError, match=f"lacks its .*{file}"):
        PromptTokenizer(SMALL[flavor], folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "make 514 tokens"),
        (b"\x1f\x8b broken", "cannot be read"),
        (b"plain text", "cannot be read"),
        (gzip.compress(b"a b\n" * 10), "make 516 tokens"),
        (gzip.compress(b"\xff\xfe" * 10), "cannot be read"),
        (gzip.compress(bytes(20 * 2**20)), "unpack to more than 16 MB"),
        (gzip.compress(b"a b\n" * 1000)[:30], "cannot be read"),
    ],
    ids=["empty", "damaged", "plain", "few", "foreign", "bomb", "cut"],
)
def test_damaged_byte_pairs_are_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / BYTE_PAIRS).write_bytes(content)
    with pytest.raises(MedCLIPSegError, match=words):
        PromptTokenizer(FLAVORS["clip"], tmp_path)
