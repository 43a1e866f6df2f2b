"""Python packages the engine needs and Slicer does not ship."""

import importlib
import importlib.metadata
import subprocess
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.pytorch_provider import PyTorchProvider
from MedCLIPSegLogic.errors import MedCLIPSegError


class Dependencies:
    """Installs what is missing at the moment it is needed, never without asking.

    Main thread only: pip shows its progress in Slicer's windows.

    Args:
        requirementsFile: the packages beside PyTorch, one requirement a line.
        pytorch: where PyTorch comes from.
    """

    def __init__(self, requirementsFile: Path, pytorch: PyTorchProvider | None = None) -> None:
        self._requirementsFile = requirementsFile
        self._pytorch = pytorch or PyTorchProvider()

    def ensure(self) -> None:
        """Return once everything can be imported.

        Raises:
            MedCLIPSegError: something is missing and was not installed.
        """
        # PyTorch goes first: the other packages depend on it and would bring an unsuitable build along.
        self._pytorch.ensure()
        try:
            self._ensureRequirements()
        except subprocess.CalledProcessError as error:
            raise MedCLIPSegError(
                _("The Python packages could not be installed; the Python console shows what pip said.")
            ) from error
        importlib.invalidate_caches()

    def requirements(self) -> list[str]:
        """The requirement of each package, as written in the file."""
        lines = (line.strip() for line in self._requirementsFile.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    def _ensureRequirements(self) -> None:
        try:
            packaging = importlib.import_module("slicer.packaging")
        except ModuleNotFoundError:  # Slicer 5.10
            self._ensureWithoutPackaging()
            return
        try:
            packaging.pip_ensure(
                packaging.load_requirements(self._requirementsFile),
                requester="MedCLIPSeg",
                skip_packages=["torch", "torchvision"],
            )
        except RuntimeError as error:
            raise self._declined() from error

    def _ensureWithoutPackaging(self) -> None:
        missing = [requirement for requirement in self.requirements() if not _isSatisfied(requirement)]
        if not missing:
            return
        question = _("MedCLIPSeg needs these Python packages:\n\n{packages}\n\nInstall them now?")
        if not slicer.util.confirmOkCancelDisplay(question.format(packages="\n".join(missing))):
            raise self._declined()
        slicer.util.pip_install(missing)

    def _declined(self) -> MedCLIPSegError:
        return MedCLIPSegError(_("The Python packages were not installed; nothing can be segmented without them."))


def _isSatisfied(requirementText: str) -> bool:
    from packaging.requirements import Requirement

    requirement = Requirement(requirementText)
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)
