"""What a script gets: segments by prompt, with arrays, picture and files."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from MedCLIPSegLogic.errors import MedCLIPSegError, listed
from MedCLIPSegLogic.files.replacing import write_json
from MedCLIPSegLogic.files.staging import RECORD_FILE, staged_folder
from MedCLIPSegLogic.inference.result import PromptResult, SegmentationResult
from MedCLIPSegLogic.knowledge.verdict import Verdict

from .preview import preview_figure
from .result_files import run_record, write_result_files
from .telling import VERDICTS, size_text

if TYPE_CHECKING:
    from .picture import Picture

Kept = TypeVar("Kept")
HEADINGS = ("Segment", "Verdict", "Size", "Mean uncertainty")


@dataclass(frozen=True, eq=False)
class Segment:
    """The answer to one prompt.

    Args:
        prompt: what was asked for.
        verdict: what is to be thought of the answer; its ``kind`` and ``text`` say it.
        voxels: number of voxels in the mask.
        volume_ml: volume in mL; None of a picture or a single slice, where nobody measured the voxels, and where the
            answer is held back.
        area_mm2: area in mm² of a picture or a single slice; None of a volume, where nobody measured the pixels, and
            where the answer is held back.
        mean_uncertainty: in nats inside the mask, of an empty one over all that was segmented; None where it would mean
            nothing.
    """

    prompt: str
    verdict: Verdict
    voxels: int
    volume_ml: float | None
    area_mm2: float | None
    mean_uncertainty: float | None
    _result: PromptResult | None = field(repr=False)

    @property
    def result(self) -> PromptResult:
        """All the engine has to say, such as the mutual information.

        Raises:
            MedCLIPSegError: it was one of several images, and lies in files alone.
        """
        return _kept(self._result)

    @property
    def mask(self) -> NDArray[np.uint8]:
        """(K, J, I), slices, rows and columns of the image, 1 inside; empty where the answer is held back."""
        return self.result.mask

    @property
    def probability(self) -> NDArray[np.float32] | None:
        """(K, J, I) mean probability, 0…1; None where the answer is held back and without maps."""
        return self.result.probability

    @property
    def uncertainty(self) -> NDArray[np.float32] | None:
        """(K, J, I) entropy of the mean probability in nats, 0…ln 2; None as for the probability."""
        return self.result.uncertainty


class Segmentation(Mapping[str, Segment]):
    """The segments of one image by their prompts, in the order they were asked for.

    Args:
        result: of a run that judged its answers.
        source: the input, for the record.
        words: of each prompt, see :func:`record_words`.
        truth: (K, J, I) known mask.
    """

    def __init__(
        self,
        result: SegmentationResult,
        source: str,
        words: Sequence[dict[str, Any]] | None = None,
        truth: NDArray[np.bool_] | None = None,
    ) -> None:
        self._result: SegmentationResult | None = result
        self._truth = truth
        self.record = run_record(result, source, words, truth)
        """What ``run.json`` holds; once the files are written, ``files`` lists them."""
        entries = zip(result.prompts, self.record["results"], strict=True)
        self._segments = {prompt.prompt: _segment(prompt, entry) for prompt, entry in entries}

    @property
    def result(self) -> SegmentationResult:
        """What the engine made: image, geometry, settings, and the maps of every prompt.

        Raises:
            MedCLIPSegError: it was one of several images, and lies in files alone.
        """
        return _kept(self._result)

    def plot(self) -> Picture:
        """A matplotlib figure of the outlines and the uncertainty, as in ``preview.png``; notebooks show it."""
        return preview_figure(self.result, self._truth)

    def save(self, folder: str | Path, overwrite: bool = False) -> dict[str, Any]:
        """Write the files that ``medclipseg segment`` writes.

        Args:
            folder: to write to; made when missing.
            overwrite: replace earlier results in it.

        Returns:
            The record, as in ``run.json``.

        Raises:
            MedCLIPSegError: the folder holds results or cannot be written; it is then as it was before.
        """
        with staged_folder(Path(folder), overwrite) as staging:
            return self.write_files(staging)

    def write_files(self, folder: Path) -> dict[str, Any]:
        """Write them to an empty folder; see :meth:`save`, which writes all or nothing."""
        write_result_files(self.result, folder, self._truth)
        self.record = {**self.record, "files": sorted([*(path.name for path in folder.iterdir()), RECORD_FILE])}
        write_json(folder / RECORD_FILE, self.record)
        return self.record

    def let_go(self) -> None:
        """Free the memory of image, masks and maps; record, sizes and verdicts stay."""
        self._result = self._truth = None
        self._segments = {prompt: replace(segment, _result=None) for prompt, segment in self._segments.items()}

    def __getitem__(self, prompt: str) -> Segment:
        if prompt not in self._segments:
            raise KeyError(f"{prompt}; the prompts are {listed(self._segments)}")
        return self._segments[prompt]

    def __iter__(self) -> Iterator[str]:
        return iter(self._segments)

    def __len__(self) -> int:
        return len(self._segments)

    def __repr__(self) -> str:
        told = (f"{each['prompt']}: {size_text(each)} ({each['verdict']})" for each in self.record["results"])
        return f"<Segmentation of {self.record['input']}: {', '.join(told)}>"

    def _repr_html_(self) -> str:
        picture = ""
        if self._result is not None:
            png = base64.b64encode(self.plot()._repr_png_()).decode()
            picture = f'<img alt="" src="data:image/png;base64,{png}">'
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.record["notes"])
        return html_table(HEADINGS, self.html_rows()) + notes + picture

    def html_rows(self) -> list[list[str]]:
        """A row of texts for each segment, under ``HEADINGS``."""
        return [
            [
                entry["prompt"],
                f"{VERDICTS[entry['verdict']]}: {entry['verdict_text']}",
                size_text(entry),
                "unknown" if entry["mean_uncertainty"] is None else f"{entry['mean_uncertainty']:.3f} nats",
            ]
            for entry in self.record["results"]
        ]


class Segmentations(Mapping[str, Segmentation]):
    """The results of several images by their names: those of the files without the extension, made to differ.

    Args:
        done: the results by name.
        failed: what is wrong with the other images, a sentence each by name.
    """

    def __init__(self, done: Mapping[str, Segmentation], failed: Mapping[str, str]) -> None:
        self._done = dict(done)
        self.failed = dict(failed)

    def __getitem__(self, name: str) -> Segmentation:
        if name in self.failed:
            raise KeyError(f"{name}, which could not be segmented: {self.failed[name]}")
        if name not in self._done:
            raise KeyError(f"{name}; the images are {listed(self._done)}")
        return self._done[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._done)

    def __len__(self) -> int:
        return len(self._done)

    def __repr__(self) -> str:
        failed = f", failed: {listed(self.failed)}" if self.failed else ""
        return f"<Segmentations of {listed(self._done)}{failed}>"

    def _repr_html_(self) -> str:
        rows = [[name, *row] for name, made in self._done.items() for row in made.html_rows()]
        rows += [[name, "", sentence, "", ""] for name, sentence in self.failed.items()]
        return html_table(("Image", *HEADINGS), rows)


def html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Texts as a table in HTML."""
    lines = [("th", headings), *(("td", row) for row in rows)]
    cells = ("".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts) for tag, texts in lines)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in cells)}</table>"


def _segment(result: PromptResult, entry: dict[str, Any]) -> Segment:
    verdict = result.verdict
    assert verdict is not None, "runs of scripts are judged"
    is_held_back = verdict.is_unknown and not entry["voxels"]
    sizes = {name: None if is_held_back else entry.get(name) for name in ("volume_ml", "area_mm2")}
    uncertainty = entry["mean_uncertainty"]
    return Segment(result.prompt, verdict, entry["voxels"], **sizes, mean_uncertainty=uncertainty, _result=result)


def _kept(result: Kept | None) -> Kept:
    if result is None:
        raise MedCLIPSegError(
            "Masks and maps of several images are not kept in memory where they are written; read them from the files, "
            "or segment without an output folder."
        )
    return result
