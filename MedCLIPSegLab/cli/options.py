"""Options that several commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from MedCLIPSegLogic.checked import description_of
from MedCLIPSegLogic.runs.choices import RunChoices


def plain_option(*names: str, help: str, metavar: str | None = None) -> Any:
    """An option that has no default to show."""
    return typer.Option(*names, help=help, metavar=metavar, show_default=False)


Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT...",
        help="NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF, BMP or DICOM file, or a folder with one DICOM series; or "
        "several of these, or a folder of image files: --out then gets a folder for each.",
        show_default=False,
    ),
]
Prompts = Annotated[
    list[str],
    plain_option(help="What to look for; repeat for more segments. They may overlap."),
]
Out = Annotated[Path, plain_option(help="Folder for the results.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in the folder.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the interrupted run in the folder, with its settings.")
]
Threads = Annotated[str, typer.Option(help=description_of(RunChoices, "threads"))]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
