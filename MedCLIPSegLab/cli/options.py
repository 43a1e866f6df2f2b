"""Options that several commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Input = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT",
        help="NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF or BMP file, or a folder with one DICOM series.",
        show_default=False,
    ),
]
Prompts = Annotated[
    list[str],
    typer.Option(help="What to look for; repeat for more segments. They may overlap.", show_default=False),
]
Out = Annotated[Path, typer.Option(help="Folder for the results.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in the folder.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the interrupted run in the folder, with its settings.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record of the run as JSON.")]
