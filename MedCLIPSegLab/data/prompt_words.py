"""What the words of a prompt say: place, size, color, the thing and the kind of image."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from MedCLIPSegLogic.knowledge.grammar import grammar
from MedCLIPSegLogic.knowledge.places import LOCATION

_SIDES = {"left": "right", "right": "left"}
_HEIGHTS = {"top": "bottom", "bottom": "top", "upper": "lower", "lower": "upper"}
_SIZES = "|".join(grammar().size).replace("medium", "medium(?:-sized)?")
SIZE = re.compile(rf"\b(?:{_SIZES})\b", re.IGNORECASE)
"""Words of size."""
_SIZE_AND_GAP = re.compile(rf"{SIZE.pattern}\s*", re.IGNORECASE)
_COLOR = re.compile(
    r"\b(?:pink|brown|orange|red|yellow|white|black|dark|purple|gray|grey|green|blue)\b\s*", re.IGNORECASE
)
PART_WORDS = ("anterior", "posterior", "left", "right", "upper", "lower")
_KINDS = (
    r"benign|malignant|glioma|meningioma|pituitary|glioblastoma|enhancing|colon|skin|breast|brain|liver|lung|kidney"
)
_KIND = rf"(?:{_KINDS}|{'|'.join(PART_WORDS)})"
_ORGANS = (
    r"fetal heads?|cell nuclei|nuclei|nucleus|vertebrae|vertebra|intervertebral discs?|spinal canal|ventricles?|atrium|"
    r"aorta|pulmonary artery|vena cava|kidneys?|spleen|hepatic vessels?|retinal (?:blood )?vessels?|blood vessels?|"
    r"(?:common )?carotid artery"
)
_TARGET = re.compile(
    rf"\b((?:{_KIND}\s+)*(?:tumou?rs?|lesions?|mass(?:es)?|neoplasms?|polyps?|melanomas?|nodules?|cysts?|hippocampus|infections?|"
    rf"cardiomediastinum|lungs?|{_ORGANS})|(?:{_KIND}\s+)+(?:growths?|abnormality))\b",
    re.IGNORECASE,
)
_ANATOMY = frozenset(
    {"abdomen", "bladder", "bone", "bowel", "brain", "breast", "cervix", "chest", "colon", "esophagus", "eye", "heart"}
    | {"hippocampus", "kidney", "liver", "lung", "lungs", "lymph", "nerve", "pancreas", "pelvis", "polyp", "polyps"}
    | {"prostate", "retina", "skin", "spine", "spleen", "stomach", "thyroid", "tooth", "uterus", "vessel"}
    | {"abdominal", "cardiac", "carotid", "cell", "fetal", "fundus", "hepatic", "kidneys", "lumbar", "microscopy"}
    | {"neck", "nuclei", "retinal"}
)
_IMAGE = re.compile(
    r"\b(breast ultrasound(?: image)?|T1-weighted brain MRI|brain(?: MRI| scan)?|frontal chest x-ray|"
    r"axial (?:chest|abdominal) CT|(?:fetal|neck) ultrasound image|"
    r"(?:fluorescence |brightfield |histology )?microscopy image|cardiac MRI slice|color fundus photograph|"
    r"(?:coronal T2-weighted )?abdominal MRI|(?:sagittal T2-weighted )?lumbar spine MRI)\b",
    re.IGNORECASE,
)
_ABSENT = re.compile(r"^\s*(?:no|without|normal|there is no)\b", re.IGNORECASE)


def swap_words(text: str, horizontal: bool, vertical: bool) -> str:
    """The prompt after a flip: left and right, or top/upper and bottom/lower, change places."""
    swaps = (_SIDES if horizontal else {}) | (_HEIGHTS if vertical else {})
    if not swaps:
        return text

    def replace(match: re.Match[str]) -> str:
        word = match.group(0)
        other = swaps[word.lower()]
        return other.capitalize() if word[0].isupper() else other

    return re.sub(rf"\b({'|'.join(swaps)})\b", replace, text, flags=re.IGNORECASE)


def drop_location(text: str) -> str:
    """The prompt without words of place, except those that tell which organ is meant ("left lung")."""
    return _tidy(LOCATION.sub(" ", text))


def drop_size(text: str) -> str:
    """The prompt without words of size."""
    return _tidy(_SIZE_AND_GAP.sub("", text))


def drop_color(text: str) -> str:
    """The prompt without words of color."""
    return _tidy(_COLOR.sub("", text))


def names_absence(text: str) -> bool:
    """True for prompts such as "No tumor in the image"."""
    return bool(_ABSENT.match(text))


def named_target(text: str) -> str | None:
    """The first thing a prompt names with its kind or part, in lower case, such as "benign tumor"; None for none."""
    match = _TARGET.search(text)
    return match.group(1).lower() if match else None


def without_kind(target: str) -> str:
    """A thing without words such as "benign" or "brain" before its noun; words that tell the part stay."""
    return re.sub(rf"\b(?:{_KINDS})\s+(?=\w)", "", target, flags=re.IGNORECASE)


def named_image(text: str) -> str | None:
    """The kind of image a prompt names, such as "breast ultrasound"; None for none."""
    match = _IMAGE.search(text)
    return match.group(1) if match else None


def anatomy(prompts: Sequence[str]) -> frozenset[str]:
    """Anatomical words that stand in at least a tenth of the prompts of a data set."""
    counts: Counter[str] = Counter()
    for prompt in prompts:
        counts.update(_ANATOMY & set(re.findall(r"[a-z]+", prompt.lower())))
    return frozenset(word for word, count in counts.items() if count >= len(prompts) / 10)


def names_anatomy(text: str) -> bool:
    """True if a prompt says which part of the body it is about."""
    return not _ANATOMY.isdisjoint(re.findall(r"[a-z]+", text.lower()))


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([.,])", r"\1", text).strip(" ,")
    return text[:1].upper() + text[1:] if text else text
