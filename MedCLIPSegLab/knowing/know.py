"""Record what a model knows beside the model."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from MedCLIPSegLogic.errors import MedCLIPSegError, listed, quoted
from MedCLIPSegLogic.files.replacing import write_failures_in_words
from MedCLIPSegLogic.inference.request import check_threads
from MedCLIPSegLogic.knowledge.known import KNOWLEDGE_FILE, MOST_THUMBNAIL
from MedCLIPSegLogic.model.catalog import BUNDLED_MODELS, find_model
from MedCLIPSegLogic.model.folder import read_config
from MedCLIPSegLogic.model.store import read_object
from MedCLIPSegLogic.volumes.intensity import default_rule, resolve
from MedCLIPSegLogic.volumes.planes import choose_axis
from MedCLIPSegLogic.volumes.readers import read_volume

from .sets import Told, by_kind, check_kinds, find_others, find_sets

THUMBNAIL_SIDE = 64
JPEG_QUALITY = 80
CHECKOUT = BUNDLED_MODELS.parents[2] / "pyproject.toml"
"""Where this is, the bundled models lie among the sources and not in an installed package."""


def know(
    model: str | Path,
    data: Sequence[str | Path],
    kinds: Mapping[str, str] | None = None,
    out: str | Path | None = None,
    *,
    others: Sequence[str | Path] = (),
    thumbnails: Mapping[str, str | Path] | None = None,
    limit: int | None = None,
    progress: Told | None = None,
    threads: str | int = "auto",
) -> Path:
    """Learn from a model and the data sets it was trained on what it knows, and write ``knowledge.json``.

    Args:
        model: bundled or installed model's name, or model folder.
        data: data set folders in MedCLIPSeg's layout; Dice is measured on those with a ``Val_Folder``.
        kinds: names of kinds of image by name of the data set; sets may share a kind. A set that is not named has the
            kind its prompts name, or else its own name.
        out: folder to write to; None for the model's own.
        others: data sets, or folders of images, of kinds it was not trained on, to tell them apart. None is needed,
            each makes the model surer; ``kinds`` may name theirs too.
        thumbnails: pictures, by the name of the kind they show. They are stored with the model, made smaller: give
            such as may be passed on.
        limit: first rows of each sheet only.
        progress: is told the share done and what is being done.
        threads: of the processor; "auto" for what other programs leave.

    Returns:
        The file.

    Raises:
        MedCLIPSegError: bad input, or a folder that cannot be written; an earlier file is kept.
    """
    number = check_threads(threads)
    source = find_model(model)
    target = Path(out) if out is not None else source
    if out is None and BUNDLED_MODELS in source.parents and not CHECKOUT.is_file():
        raise MedCLIPSegError(
            f"'{quoted(source.name)}' comes with the program and stays as it is; give --out a folder."
        )
    folders, other_folders = [Path(folder) for folder in data], [Path(folder) for folder in others]
    check_kinds([*folders, *other_folders], kinds or {})
    sets = find_sets(folders, kinds or {}, limit=limit)
    foreign = find_others(other_folders, kinds or {}, [*by_kind(sets)])
    pictures = _thumbnails(thumbnails or {}, [*by_kind(sets)])
    read_config(source)
    from MedCLIPSegLogic.inference.device import choose_device
    from MedCLIPSegLogic.inference.threads import threads_for

    from .learning import record_knowledge

    with write_failures_in_words(), threads_for(number) as chosen:

        def told(share: float, what: str) -> None:
            chosen.adjust()
            if progress:
                progress(share, what)

        target.mkdir(parents=True, exist_ok=True)
        record_knowledge(source, target, sets, foreign, _is_styled(source), choose_device("auto"), pictures, told)
    return target / KNOWLEDGE_FILE


def _is_styled(folder: Path) -> bool:
    """Whether the training that its record tells of put words of its own around the prompts."""
    try:
        settings = read_object(folder, "training.json").get("settings")
    except FileNotFoundError:
        return False
    if not isinstance(settings, dict):
        return False
    return settings.get("styles") is not None or settings.get("prompts") == "varied"


def _thumbnails(pictures: Mapping[str, str | Path], kinds: Sequence[str]) -> dict[str, str]:
    """Pictures of kinds as Base64 of small JPEG files.

    Raises:
        MedCLIPSegError: one is of no kind of these data sets, or cannot be read.
    """
    stranger = next((kind for kind in pictures if kind not in kinds), None)
    if stranger is not None:
        raise MedCLIPSegError(
            f"A thumbnail is given for '{quoted(stranger)}', but the kinds of image are {listed(kinds)}."
        )
    return {kind: _thumbnail(Path(path)) for kind, path in pictures.items()}


def _thumbnail(path: Path) -> str:
    volume = read_volume(path)
    axis = choose_axis(volume, "auto")
    pixels = resolve(default_rule(volume), volume).apply(axis.extract(volume.voxels, axis.count // 2))
    height, width = pixels.shape[:2]
    scale = THUMBNAIL_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    picture = small[..., ::-1] if small.ndim == 3 else small
    _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    text = base64.b64encode(content.tobytes()).decode()
    assert len(text) <= MOST_THUMBNAIL
    return text
