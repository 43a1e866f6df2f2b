"""``medclipseg verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify_command(
    file: Annotated[Path, typer.Argument(help="Golden file (safetensors) of the published network.")],
) -> None:
    """Check this implementation against stored weights, noise and outputs of the published network."""
    from ..verify import TOLERANCE, verify

    errors = verify(file)
    for name, error in errors.items():
        typer.echo(f"{name}: {error:.3e}")
    worst = max(errors.values())
    verdict = "ok" if worst <= TOLERANCE else "failed"
    typer.echo(f"verify: {verdict} max_abs_error={worst:.3e}")
    if verdict == "failed":
        raise typer.Exit(1)
