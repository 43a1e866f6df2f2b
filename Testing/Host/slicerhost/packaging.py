"""``slicer.packaging``: notes what would be installed.

`calls` holds (name, arguments) of every call; `declines` lets the user decline, `fails` lets pip fail.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

calls: list[tuple[str, dict[str, Any]]] = []
declines = False
fails = False
missing: set[str] = set()


def reset() -> None:
    """Forget everything."""
    global declines, fails
    calls.clear()
    missing.clear()
    declines = fails = False


def load_requirements(path: str | Path) -> list[Any]:
    """Return the requirements of a file, one a line."""
    from packaging.requirements import Requirement

    lines = (line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pip_check(requirements: Any) -> bool:
    """Return False when one of the requirements is in `missing`."""
    listed = requirements if isinstance(requirements, list) else [requirements]
    return not any(getattr(requirement, "name", str(requirement)) in missing for requirement in listed)


def pip_ensure(
    requirements: list[Any],
    constraints: str | None = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> None:
    """Note the call; raise what the real one raises when told to."""
    names = [str(requirement) for requirement in requirements]
    calls.append(("pip_ensure", {"requirements": names, "skip_packages": skip_packages, "requester": requester,
                                 "prompt_install": prompt_install}))  # fmt: skip
    _answer()


def pip_install(requirements: Any, **options: Any) -> None:
    calls.append(("pip_install", {"requirements": requirements, **options}))
    _answer()


def pip_uninstall(requirements: Any, **options: Any) -> None:
    calls.append(("pip_uninstall", {"requirements": requirements, **options}))
    _answer()


def isPipInstallInProgress() -> bool:
    return False


def _answer() -> None:
    if declines:
        raise RuntimeError("User declined package installation")
    if fails:
        raise subprocess.CalledProcessError(1, ["pip", "install"])
    missing.clear()
