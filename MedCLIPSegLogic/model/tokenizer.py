"""Prompts to token ids with the tokenizers of the towers, whose files lie in the model folder.

BERT's WordPiece runs in transformers, CLIP's byte-pair encoding in open_clip; neither asks the network. Text is cleaned
as open_clip cleans it before either, so a prompt gets the tokens that the published models got. On plain English this
changes nothing.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from open_clip.tokenizer import SimpleTokenizer, default_bpe, get_clean_fn
from tokenizers import BertWordPieceTokenizer
from torch import Tensor
from transformers import BertTokenizer

from ..errors import MedCLIPSegError, quoted
from .catalog import BYTE_PAIRS_FILE, VOCABULARY_FILE
from .config import ModelConfig
from .store import MAX_TEXT_BYTES, own_file, read_text

CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-,./()?!:;'*+"
WORD_END, CONTINUED = "</w>", "##"
"""Marks of CLIP's last piece of a word and of WordPiece's later ones."""
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
clean = get_clean_fn("whitespace")
"""What open_clip's tokenizer of BERT towers does first: ftfy mends the text, HTML is unescaped twice, and runs of white
space become one space. Its byte-pair tokenizer does the same by itself."""


class PromptTokenizer:
    """Tokenizer of one model.

    Args:
        config: the model's configuration.
        folder: model folder; holds ``vocab.txt`` (WordPiece) or ``bpe_simple_vocab_16e6.txt.gz`` (CLIP).

    Raises:
        MedCLIPSegError: that file is missing, unreadable or of another size than the configuration says.
    """

    def __init__(self, config: ModelConfig, folder: Path) -> None:
        self._length = config.text.context_length
        self._trim = config.adapter.mask_padding
        self._wordpiece = _load_wordpiece(folder, config) if config.tokenizer == "wordpiece" else None
        self._byte_pairs = _load_byte_pairs(folder, config) if config.tokenizer == "clip" else None

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """Token ids (B, T) int64, padded with 0.

        T is the model's context length, or that of the longest prompt when a WordPiece model masks padding.

        Raises:
            MedCLIPSegError: a prompt has not a single word or letter the model knows.
        """
        if self._byte_pairs is not None:
            return self._byte_pairs(list(prompts), context_length=self._length)
        assert self._wordpiece is not None
        encoded = self._wordpiece(
            [clean(prompt) for prompt in prompts],
            padding="longest" if self._trim else "max_length",
            truncation=True,
            max_length=self._length,
            return_tensors="pt",
        )
        unknown = self._wordpiece.all_special_ids
        for prompt, ids in zip(prompts, encoded["input_ids"].tolist(), strict=True):
            if not set(ids) - set(unknown):
                raise MedCLIPSegError(
                    f"The model knows no word or letter of the prompt '{quoted(prompt)}'; use English."
                )
        return encoded["input_ids"]

    def words(self, token_ids: Sequence[int]) -> list[tuple[str, list[int]]]:
        """The words of a prompt in order, each with the positions of the tokens it was split into.

        The marks of start and end, padding and unknown words are left out; a punctuation mark is a word.
        """
        groups: list[list[int]] = []
        if self._byte_pairs is not None:
            end = self._byte_pairs.eot_token_id
            inside = list(token_ids).index(end) if end in token_ids else len(token_ids)
            begins = True
            for position in range(1, inside):
                groups += [[]] if begins else []
                groups[-1].append(position)
                begins = self._byte_pairs.decoder[token_ids[position]].endswith(WORD_END)
            decode = self._byte_pairs.decode
            return [(decode([token_ids[n] for n in group]).strip(), group) for group in groups]
        assert self._wordpiece is not None
        special = set(self._wordpiece.all_special_ids)
        names = self._wordpiece.convert_ids_to_tokens(list(token_ids))
        for position, (number, name) in enumerate(zip(token_ids, names, strict=True)):
            if number in special:
                continue
            groups += [] if name.startswith(CONTINUED) else [[]]
            groups[-1].append(position)
        return [("".join(names[n].removeprefix(CONTINUED) for n in group), group) for group in groups]


def _load_wordpiece(folder: Path, config: ModelConfig) -> BertTokenizer:
    path = folder / VOCABULARY_FILE
    try:
        # Not splitlines(): vocabularies have entries that Python takes for line ends.
        entries = read_text(folder, VOCABULARY_FILE).removesuffix("\n").split("\n")
    except FileNotFoundError:
        raise MedCLIPSegError(f"The model folder lacks its vocabulary {path}.") from None
    if entries[:1] != SPECIAL_TOKENS[:1] or not set(SPECIAL_TOKENS) <= set(entries):
        raise MedCLIPSegError(
            f"The vocabulary {path} does not begin with [PAD], or lacks [UNK], [CLS], [SEP] or [MASK]."
        )
    if len(entries) != config.text.vocab_size:
        raise MedCLIPSegError(
            f"The vocabulary {path} has {len(entries)} entries, but the model's configuration says "
            f"{config.text.vocab_size}."
        )
    return BertTokenizer(vocab={token: number for number, token in enumerate(entries)}, do_lower_case=True)


def _load_byte_pairs(folder: Path, config: ModelConfig) -> SimpleTokenizer:
    path = folder / BYTE_PAIRS_FILE
    try:
        own_file(folder, BYTE_PAIRS_FILE, MAX_TEXT_BYTES)
        with gzip.open(path) as file:
            if len(file.read(MAX_TEXT_BYTES + 1)) > MAX_TEXT_BYTES:
                raise MedCLIPSegError(f"The byte pairs {path} unpack to more than {MAX_TEXT_BYTES // 2**20} MB.")
        tokenizer = SimpleTokenizer(str(path))
    except FileNotFoundError:
        raise MedCLIPSegError(f"The model folder lacks its byte pairs {path}.") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise MedCLIPSegError(f"The byte pairs {path} cannot be read: {error}.") from None
    if tokenizer.vocab_size != config.text.vocab_size:
        raise MedCLIPSegError(
            f"The byte pairs {path} make {tokenizer.vocab_size} tokens, but the model's configuration says "
            f"{config.text.vocab_size}."
        )
    return tokenizer


def copy_byte_pairs(folder: Path) -> None:
    """Put open_clip's byte pairs into a model folder, so that they travel with it."""
    (folder / BYTE_PAIRS_FILE).write_bytes(Path(default_bpe()).read_bytes())


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
    base = [*SPECIAL_TOKENS, *CHARACTERS, *(f"##{c}" for c in CHARACTERS if c.isalnum())]
    return _write_vocabulary(base, prompts, size, path)


def extend_vocabulary(source: Path, prompts: Iterable[str], size: int, path: Path) -> int:
    """Write another vocabulary with the frequent words of the prompts it lacks after its own entries.

    Args:
        source: ``vocab.txt`` to extend.
        prompts, size, path: as in :func:`build_vocabulary`.

    Returns:
        The number of entries.
    """
    return _write_vocabulary(source.read_text(encoding="utf-8").removesuffix("\n").split("\n"), prompts, size, path)


def _write_vocabulary(base: list[str], prompts: Iterable[str], size: int, path: Path) -> int:
    bare = BertWordPieceTokenizer(lowercase=True)
    counts: Counter[str] = Counter()
    for prompt in prompts:
        words = bare.pre_tokenizer.pre_tokenize_str(bare.normalizer.normalize_str(clean(prompt)))
        counts.update(word for word, _ in words if len(word) > 1)
    known = set(base)
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    new = [word for word, _ in frequent if word not in known]
    entries = base + new[: max(0, size - len(base))]
    path.write_text("".join(entry + "\n" for entry in entries), encoding="utf-8")
    return len(entries)
