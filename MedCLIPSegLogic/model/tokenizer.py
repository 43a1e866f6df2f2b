"""Prompts to token ids with the tokenizers of the towers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor

from ..errors import MedCLIPSegError
from .config import ModelConfig
from .text_tower import PAD_TOKEN

VOCABULARY_FILE = "vocab.txt"
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-,./()?!:;'*+"
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


class PromptTokenizer:
    """Tokenizer of one model.

    Args:
        config: the model's configuration.
        folder: model folder; holds ``vocab.txt`` when the tokenizer is WordPiece.

    Raises:
        MedCLIPSegError: the vocabulary is missing, unreadable or of another size than the configuration says.
    """

    def __init__(self, config: ModelConfig, folder: Path) -> None:
        self._length = config.text.context_length
        self._trim = config.adapter.mask_padding
        self._wordpiece: BertWordPieceTokenizer | None = None
        if config.tokenizer == "wordpiece":
            self._wordpiece = _load_wordpiece(folder / VOCABULARY_FILE, config)
            self._wordpiece.enable_truncation(self._length)
            self._wordpiece.enable_padding(
                pad_id=PAD_TOKEN, pad_token="[PAD]", length=None if self._trim else self._length
            )

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """Token ids (B, T) int64, padded with 0.

        T is the model's context length, or that of the longest prompt when a WordPiece model masks padding.

        Raises:
            MedCLIPSegError: a prompt has not a single word or letter the model knows.
        """
        if self._wordpiece is not None:
            encodings = self._wordpiece.encode_batch(list(prompts))
            for prompt, encoding in zip(prompts, encodings, strict=True):
                if not set(encoding.tokens) - set(SPECIAL_TOKENS):
                    raise MedCLIPSegError(f"The model knows no word or letter of the prompt '{prompt}'; use English.")
            return torch.tensor([encoding.ids for encoding in encodings], dtype=torch.int64)
        import open_clip

        return open_clip.SimpleTokenizer(context_length=self._length)(list(prompts))


def _load_wordpiece(path: Path, config: ModelConfig) -> BertWordPieceTokenizer:
    if not path.is_file():
        raise MedCLIPSegError(f"The model folder lacks its vocabulary {path}.")
    try:
        entries = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MedCLIPSegError(f"The vocabulary {path} cannot be read: {error}.") from None
    if entries[:1] != SPECIAL_TOKENS[:1] or not set(SPECIAL_TOKENS[:4]) <= set(entries):
        raise MedCLIPSegError(f"The vocabulary {path} does not begin with [PAD], or lacks [UNK], [CLS] or [SEP].")
    if len(entries) != config.text.vocab_size:
        raise MedCLIPSegError(
            f"The vocabulary {path} has {len(entries)} entries, but the model's configuration says "
            f"{config.text.vocab_size}."
        )
    return BertWordPieceTokenizer({token: number for number, token in enumerate(entries)}, lowercase=True)


def build_vocabulary(prompts: Iterable[str], size: int, path: Path) -> int:
    """Write ``vocab.txt``: special tokens, single characters and the most frequent words of the prompts.

    The same prompts always give the same file (the trainer of ``tokenizers`` breaks ties by chance).

    Args:
        prompts: training text.
        size: most entries the vocabulary may have.
        path: file to write.

    Returns:
        The number of entries.
    """
    bare = BertWordPieceTokenizer(lowercase=True)
    counts: Counter[str] = Counter()
    for prompt in prompts:
        words = bare.pre_tokenizer.pre_tokenize_str(bare.normalizer.normalize_str(prompt))
        counts.update(word for word, _ in words if len(word) > 1)
    entries = [*SPECIAL_TOKENS, *CHARACTERS, *(f"##{c}" for c in CHARACTERS if c.isalnum())]
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    entries += [word for word, count in frequent if count > 1][: max(0, size - len(entries))]
    path.write_text("".join(entry + "\n" for entry in entries), encoding="utf-8")
    return len(entries)
