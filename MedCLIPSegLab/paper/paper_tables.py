"""Run a table of the paper end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.files.replacing import write_failures_in_words

from .configuration import read_configuration
from .protocols import PROTOCOLS


def benchmark(
    protocol: str, config: str | Path, progress: Callable[[str, float], None] | None = None
) -> tuple[Path, Path]:
    """Train, evaluate and write one table as Markdown and CSV.

    What is finished is not run again, what was interrupted goes on.

    Args:
        protocol: "data-efficiency", "domain-generalization", "prompt-styles" or "backbones".
        config: TOML or JSON file, see :class:`BenchmarkConfig`.
        progress: called with what is being done and the share of it that is done (0…1).

    Returns:
        The Markdown and the CSV file, in the configuration's ``out``.

    Raises:
        MedCLIPSegError: bad configuration or data; finished cells are kept.
    """
    if protocol not in PROTOCOLS:
        raise MedCLIPSegError(f"There is no protocol '{protocol}'; take one of {', '.join(PROTOCOLS)}.")
    settings = read_configuration(Path(config))
    with write_failures_in_words():
        table = PROTOCOLS[protocol](settings, progress or (lambda what, share: None))
        return table.write(Path(settings.out), protocol)
