"""Ask whether the text chooses, and whether the verdicts on answers are right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from MedCLIPSegLogic.errors import MedCLIPSegError, quoted
from MedCLIPSegLogic.files.replacing import write_csv, write_json
from MedCLIPSegLogic.files.staging import staged_folder
from MedCLIPSegLogic.model.catalog import find_model
from MedCLIPSegLogic.model.folder import read_config
from MedCLIPSegLogic.version import __version__

from ..data.prompt_sheets import ORIGINAL, find_sheets
from .settings import ProbeSettings

if TYPE_CHECKING:
    from .probes.answers import Answer

TABLE_FILE = "probes.csv"
RESULT_FILE = "probes.json"
SECTIONS = ("text", "images", "verdicts")


def probe(
    model: str | Path,
    data: Sequence[str | Path],
    out: str | Path,
    *,
    foreign: Sequence[str | Path] = (),
    elsewhere: Sequence[str | Path] = (),
    sections: Collection[str] = SECTIONS,
    overwrite: bool = False,
    progress: Callable[[float, Answer], None] | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Measure how a model obeys its prompts, and whether it knows what it does not know.

    "text" asks the network itself; the other sections ask as a person at the panel does and look at the verdicts.

    Args:
        model: bundled or installed model's name, or model folder.
        data: data set folders in MedCLIPSeg's layout.
        out: folder for ``probes.csv`` (one row per prompt) and ``probes.json``.
        foreign: data sets, or folders of images, of kinds the model was not trained on. Pictures that come with
            installed packages (matplotlib, scikit-image if it is there) are always asked about.
        elsewhere: the same of kinds it was trained on, from other places.
        sections: what to ask.
        overwrite: replace earlier results in ``out``.
        progress: called after every prompt with the share of the folders that is done.
        choices: ``split``, ``samples``, ``limit`` and ``threads``, see :class:`ProbeSettings`.

    Returns:
        What ``probes.json`` holds: ``sets``, by set the share of right answers of every probe of the text (``absent``:
        empty masks), and the change of the mean Dice by synonyms and by another order of the words; ``verdicts``, by
        probe the number and share of right verdicts, over all and set by set.

    Raises:
        MedCLIPSegError: bad input; ``out`` is then as it was before.
    """
    settings = ProbeSettings(**choices)
    stranger = next((section for section in sections if section not in SECTIONS), None)
    if stranger is not None:
        raise MedCLIPSegError(f"There is no section '{quoted(stranger)}'; choose of {', '.join(SECTIONS)}.")
    with staged_folder(Path(out), overwrite, RESULT_FILE) as staging:
        sheets = find_sheets([Path(folder) for folder in data], [ORIGINAL], settings.split)
        for sheet in sheets:
            sheet.require_files(sheet.rows(settings.limit))
        read_config(find_model(model))
        from MedCLIPSegLogic.inference.threads import threads_for
        from MedCLIPSegLogic.model.library import load_model

        from .probes.answers import Answer
        from .probes.images import files_in
        from .probes.sections import ask_sections, summarize

        others = {
            "foreign": files_in([Path(folder) for folder in foreign], settings.split, settings.limit),
            "elsewhere": files_in([Path(folder) for folder in elsewhere], settings.split, settings.limit),
        }
        answers: list[Answer] = []
        with threads_for(settings.threads):
            loaded = load_model(model)
            for share, answer in ask_sections(loaded, sheets, others, sections, settings):
                answers.append(answer)
                if progress:
                    progress(share, answer)
        result = {
            "model": loaded.name,
            "model_hash": loaded.model_hash,
            "split": settings.split,
            "samples": settings.samples,
            "medclipseg": __version__,
            **summarize(answers),
            "files": [TABLE_FILE, RESULT_FILE],
        }
        columns = [field.name for field in dataclasses.fields(Answer)]
        write_csv(staging / TABLE_FILE, columns, map(dataclasses.astuple, answers))
        write_json(staging / RESULT_FILE, result)
    return result
