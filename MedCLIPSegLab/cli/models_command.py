"""``medclipseg models``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import MedCLIPSegLogic

from .options import AsJson, plain_option
from .printing import print_json
from .progress import Show, progress_bar

if TYPE_CHECKING:
    from MedCLIPSegLogic.zoo.hub import DownloadProgress
    from MedCLIPSegLogic.zoo.importing import ImportReport

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the model.", show_default=False)]
Half = Annotated[bool, typer.Option("--half", help="Store the adapter in 16 bits: half the size, rounded.")]

models_app = typer.Typer(
    no_args_is_help=True,
    help="List, download, import, export, check and remove models. All of them lie in one folder, which [b]models "
    "list[/b] shows and the environment variable MEDCLIPSEG_HOME moves.",
)


@models_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Show the bundled, installed and published models, and where they lie."""
    from MedCLIPSegLogic.model.store import home

    rows = MedCLIPSegLogic.list_models()
    if as_json:
        told = ("name", "title", "purpose", "license", "kind", "size_bytes", "on_disk", "folder")
        print_json([{"state": row.state, **{name: getattr(row.description, name) for name in told}} for row in rows])
        return
    width = max(len(row.description.name) for row in rows)
    for row in rows:
        model = row.description
        size = f"{model.size_bytes / 1e6:.0f} MB" if model.on_disk else ""
        license = model.license or "not stated"
        typer.echo(f"{model.name:{width}}  {row.state:10}  {size:>7}  {license:12}  {model.title}")
    typer.echo(f"Downloaded and imported models lie in {home()}.")
    typer.echo(
        "For commercial use: biomedclip (MIT), to train on. No stated license allows commercial use of the published "
        "models. SAM and MedSAM (Apache-2.0) may be used commercially."
    )


@models_app.command("info")
def info_command(name: Name, as_json: AsJson = False) -> None:
    """Show what is known of a model: purpose, data, published Dice, source, license and your consent to it.

    What it knows comes by kind of image: the things it finds with their mean Dice on validation images, the other names
    by which it finds them as well, and those by which it does not.
    """
    info = MedCLIPSegLogic.model_info(name)
    if as_json:
        print_json(info)
        return
    for label, text in info.items():
        typer.echo(f"{label}: {text}")


@models_app.command("download")
def download_command(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to size, source and license without being asked.")] = False,
    half: Half = False,
    as_json: AsJson = False,
) -> None:
    """Download a published model, after a yes to its size, which the hub is asked for, its source and license.

    Interrupted with Ctrl+C or by the network, the same command goes on where it stopped. HF_TOKEN, HF_ENDPOINT,
    HF_HUB_OFFLINE and the usual proxy variables are respected.
    """
    from ..models.commands import download_model, download_question, is_downloaded

    if is_downloaded(name):
        if as_json:
            print_json({"name": name, "imported": None, "first_seen": []})
        else:
            typer.echo(f"'{name}' is on this computer already.")
        return
    if not yes:
        typer.echo(download_question(name), err=as_json)
        typer.confirm("Download?", abort=True, err=as_json)
    with progress_bar("Downloading") as show:
        report = download_model(name, True, half, _progress(show))
    for file in report.first_seen:
        typer.echo(
            f"Warning: the SHA-256 of {file.key} is published nowhere; that of this download is noted.", err=True
        )
    if as_json:
        print_json(report)
    elif report.imported is not None:  # else another process was faster
        _say(report.imported)


@models_app.command("import")
def import_command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Published .pth, CLIP or SAM checkpoint, or .zip of models export.", show_default=False
        ),
    ],
    name: Annotated[str, plain_option("--as", help="Name for the model.")],
    vocabulary: Annotated[
        Path | None,
        plain_option(help="vocab.txt of a BERT text tower, unless it lies beside FILE or in another model."),
    ] = None,
    half: Half = False,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of a model of this name.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="Print what became of every key of the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Turn a published checkpoint into a model: a backbone, shared by all models made on it, and a small adapter.

    Nothing in the file is run. Every key must be there with its shape; import.json beside the model lists them all.
    """
    report = MedCLIPSegLogic.import_model(file, name, vocabulary, half, replace)
    if as_json:
        print_json(report)
        return
    if keys:
        for key in report.keys:
            typer.echo(f"{key.key} -> {key.weight or '(no weight)'} {key.shape} {key.dtype}, {key.part}")
    _say(report)


@models_app.command("export")
def export_command(
    name: Name,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help=".pth: the published layout. .zip: the model with all its files.", show_default=False
        ),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a model to one file, for the published code or for a computer without network."""
    written = MedCLIPSegLogic.export_model(name, file, overwrite)
    if as_json:
        print_json({"name": name, "file": written})
    else:
        typer.echo(f"'{name}' is in {written}.")


@models_app.command("remove")
def remove_command(
    name: Name,
    keep_backbone: Annotated[
        bool, typer.Option("--keep-backbone", help="Keep the backbone though no installed model uses it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a downloaded or imported model, or what an interrupted download left."""
    removal = MedCLIPSegLogic.remove_model(name, keep_backbone)
    if as_json:
        print_json({"name": name, "removed": removal})
        return
    backbone = f", {removal.backbone_bytes / 1e6:.1f} MB of it its backbone" if removal.backbone_bytes else ""
    typer.echo(f"'{name}' is removed; {(removal.model_bytes + removal.backbone_bytes) / 1e6:.1f} MB freed{backbone}.")


@models_app.command("verify")
def verify_command(name: Name, as_json: AsJson = False) -> None:
    """Check the SHA-256 of a model's files and that it loads."""
    MedCLIPSegLogic.verify_model(name)
    if as_json:
        print_json({"name": name, "whole": True})
    else:
        typer.echo(f"'{name}' is whole.")


def _say(report: ImportReport) -> None:
    parts = {part: sum(key.part == part for key in report.keys) for part in ("adapter", "backbone", "left out")}
    if report.keys:
        typer.echo(", ".join(f"{part}: {count} keys" for part, count in parts.items() if count) + ".")
    if report.adapter_bytes:
        rounded = ", rounded to 16 bits" if report.half else ""
        typer.echo(f"Adapter: {report.adapter_bytes / 1e6:.1f} MB{rounded}.")
    if report.backbone is not None:
        where = "shared with another model" if report.backbone.was_there else "new"
        typer.echo(f"Backbone {report.backbone.sha256[:12]}…: {report.backbone.size / 1e6:.1f} MB, {where}.")
    use = f"medclipseg segment … --model {report.name}"
    if report.flavor in ("sam", "medsam"):
        use = f"medclipseg zeroshot … --sam {report.name}"
    elif not report.has_adapter:
        use = f"medclipseg train … --start-from {report.name} --freeze-towers"
    typer.echo(f"The {report.flavor} model '{report.name}' is in {report.folder}; use it with {use}.")


def _progress(show: Show) -> Callable[[DownloadProgress], None]:
    """Feeds a bar with megabytes and the time left at the pace so far."""
    start: list[tuple[float, int]] = []

    def look(step: DownloadProgress) -> None:
        if step.step != "downloading" or not step.total:
            from MedCLIPSegLogic.zoo.hub import STEPS

            show(step.fraction, STEPS[step.step])
            return
        now = time.monotonic()
        if not start or step.received < start[0][1]:
            start[:] = [(now, step.received)]
        pace = (step.received - start[0][1]) / max(now - start[0][0], 1e-9)
        left = (step.total - step.received) / pace if pace > 0 else None
        show(step.fraction, f"{step.received / 1e6:.0f} of {step.total / 1e6:.0f} MB", left)

    return look
