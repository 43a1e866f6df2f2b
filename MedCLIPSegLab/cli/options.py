"""Options that several commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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
Plane = Annotated[
    Literal["auto", "axial", "coronal", "sagittal"],
    typer.Option(help="Direction of a volume's slices; auto is the plane it was acquired in."),
]
Window = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar="W L", help="Grey values: window width and level.", show_default=False),
]
Preset = Annotated[
    str | None,
    typer.Option(help="Grey values: CT window lung, soft-tissue, bone or brain.", show_default=False),
]
Slices = Annotated[
    str | None, typer.Option(metavar="A:B", help="First slice and end (exclusive), from 0.", show_default=False)
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in the folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record of the run as JSON.")]

Method = Literal["medclip-sam", "medclip-sam-v2"]
Study = Annotated[
    str | None,
    typer.Option(
        help="Kind of study, for settings published for it: breast ultrasound, brain MRI, chest X-ray, lung CT.",
        show_default=False,
    ),
]
Design = Annotated[
    Literal["P0", "P1", "P2", "P3", "P4", "P5"] | None,
    typer.Option(
        help="Published sentences of the study that stand for the prompt, averaged; --prompt then only names what is "
        "looked for.",
        show_default=False,
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(help="Kind of the object, such as malignant, for --design P1, P3 and P5.", show_default=False),
]
PromptSets = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="JSON file with studies and sentences of your own for --study and --design, instead of the published "
        "ones.",
        show_default=False,
    ),
]
