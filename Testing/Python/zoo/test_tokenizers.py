"""Tokenizers from the model folder give what transformers and open_clip give, without network."""

from __future__ import annotations

import gzip
from pathlib import Path

import open_clip
import pytest
from published_files import SMALL, save_published, small_network, write_vocabulary
from transformers import BertTokenizer

from MedCLIPSegLab.models.commands import import_model
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.model.flavors import FLAVORS
from MedCLIPSegLogic.model.tokenizer import PromptTokenizer, copy_byte_pairs

PROMPTS = ["one Tumor, in the Breast!", "Léa's polyp ≥ 5 mm", "tumor " * 40, "x"]
BYTE_PAIRS = "bpe_simple_vocab_16e6.txt.gz"


def test_wordpiece_is_that_of_transformers(tmp_path: Path) -> None:
    config = SMALL["unimedclip"]
    other = BertTokenizer(str(write_vocabulary(tmp_path)), do_lower_case=True)
    expected = other(PROMPTS, padding="max_length", truncation=True, max_length=config.text.context_length)
    assert PromptTokenizer(config, tmp_path)(PROMPTS).tolist() == expected["input_ids"]


def test_byte_pairs_are_those_of_open_clip(tmp_path: Path) -> None:
    copy_byte_pairs(tmp_path)
    found = PromptTokenizer(FLAVORS["clip"], tmp_path)(PROMPTS)
    assert found.shape == (4, 77)
    assert found.tolist() == open_clip.get_tokenizer("ViT-B-16")(PROMPTS).tolist()


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
    PromptTokenizer(SMALL[flavor], folder)(PROMPTS)
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
