"""Python packages the engine needs and Slicer does not ship, and the notice that says what is missing."""

import importlib
import importlib.metadata
import importlib.util
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLib.application import explained
from MedCLIPSegLib.module_logic import MedCLIPSegLogic
from MedCLIPSegLogic.errors import DeviceError, MedCLIPSegError

TORCH_REQUIREMENT = ">=2.6"


@dataclass(frozen=True)
class SetupStep:
    """What has to be done before the first run.

    Args:
        sentence: what is missing.
        button: text of the button that mends it.
        act: mends it; raises `MedCLIPSegError` when it can't.
    """

    sentence: str
    button: str
    act: Callable[[], None]


class Dependencies:
    """Installs what is missing at the moment it is needed, never without a click or a question.

    The PyTorch extension is asked for PyTorch because it picks the build that fits the computer's graphics card and
    driver. Main thread only: pip shows its progress in Slicer's windows.

    Args:
        requirementsFile: the packages beside PyTorch, one requirement a line.
    """

    def __init__(self, requirementsFile: Path) -> None:
        self._requirementsFile = requirementsFile

    def nextStep(self) -> SetupStep | None:
        """The first thing that is missing; None when all is there. Takes milliseconds and imports nothing."""
        # PyTorch goes first: the other packages depend on it and would bring an unsuitable build along.
        if importlib.util.find_spec("torch") is None:
            if importlib.util.find_spec("PyTorchUtils") is None:
                return SetupStep(
                    _("MedCLIPSeg computes with PyTorch, which the PyTorch extension brings to Slicer."),
                    _("Install the PyTorch extension"),
                    self._installPyTorchExtension,
                )
            return SetupStep(
                _("PyTorch is not installed yet; it takes some gigabytes and a few minutes."),
                _("Install PyTorch"),
                self._installPyTorch,
            )
        missing = [requirement for requirement in self.requirements() if not _isSatisfied(requirement)]
        if missing:
            return SetupStep(
                _("Some Python packages are not installed yet: {packages}.").format(packages=", ".join(missing)),
                _("Install the packages"),
                self._installRequirements,
            )
        return None

    def ensure(self) -> None:
        """Return once everything can be imported.

        Raises:
            MedCLIPSegError: something is missing; names it and the button that installs it.
        """
        step = self.nextStep()
        if step is not None:
            raise MedCLIPSegError(
                _("{sentence} Press “{button}” above.").format(sentence=step.sentence, button=step.button)
            )

    def requirements(self) -> list[str]:
        """The requirement of each package, as written in the file."""
        lines = (line.strip() for line in self._requirementsFile.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    @staticmethod
    def _installPyTorch() -> None:
        """Install PyTorch with the extension; asks first.

        Raises:
            MedCLIPSegError: the person declined, or the installation failed.
        """
        logic = importlib.import_module("PyTorchUtils").PyTorchUtilsLogic()
        try:
            torch: Any = logic.installTorch(askConfirmation=True, torchVersionRequirement=TORCH_REQUIREMENT)
        except subprocess.CalledProcessError as error:
            raise MedCLIPSegError(
                _("PyTorch could not be installed; check the network, the Python console shows details.")
            ) from error
        if torch is None:
            raise MedCLIPSegError(_("PyTorch was not installed; nothing can be segmented without it."))

    @staticmethod
    def _installPyTorchExtension() -> None:
        """Install the PyTorch extension.

        Raises:
            MedCLIPSegError: always: it could not be installed, or it loads only after a restart of Slicer.
        """
        manager = slicer.app.extensionsManagerModel()
        asks = manager.interactive
        # The button that was pressed has asked already; a declined question would look like a failure.
        manager.interactive = False
        try:
            isInstalled = manager.installExtensionFromServer("PyTorch", False)
        finally:
            manager.interactive = asks
        if not isInstalled:
            raise MedCLIPSegError(
                _("The PyTorch extension could not be installed; check the network, then try the Extensions Manager.")
            )
        raise MedCLIPSegError(_("The PyTorch extension is installed; restart Slicer, then segment again."))

    def _installRequirements(self) -> None:
        try:
            self._pipInstall()
        except subprocess.CalledProcessError as error:
            raise MedCLIPSegError(
                _("The Python packages could not be installed; check the network, the Python console shows details.")
            ) from error
        importlib.invalidate_caches()

    def _pipInstall(self) -> None:
        try:
            packaging = importlib.import_module("slicer.packaging")
        except ModuleNotFoundError:  # Slicer 5.10
            missing = [requirement for requirement in self.requirements() if not _isSatisfied(requirement)]
            slicer.util.pip_install(missing)
            return
        try:
            packaging.pip_ensure(
                packaging.load_requirements(self._requirementsFile),
                prompt_install=False,  # the button that was pressed has named them
                requester="MedCLIPSeg",
                skip_packages=["torch", "torchvision"],
            )
        except RuntimeError as error:
            raise MedCLIPSegError(
                _("The Python packages were not installed; nothing can be segmented without them.")
            ) from error


class SetupNotice:
    """One sentence and one button above the run button; hidden when nothing is missing.

    Args:
        ui: the panel's named widgets.
        logic: says what went wrong.
        dependencies: knows what is missing.
        useProcessor: chooses the processor as device.
    """

    def __init__(
        self, ui: Any, logic: MedCLIPSegLogic, dependencies: Dependencies, useProcessor: Callable[[], None]
    ) -> None:
        self._notice, self._label, self._button = ui.setupNotice, ui.setupLabel, ui.setupButton
        self._logic = logic
        self._dependencies = dependencies
        self._useProcessor = useProcessor
        self._step: SetupStep | None = None
        self._button.connect("clicked()", self._onButton)

    def check(self) -> None:
        """Look what is missing and show it."""
        self._show(self._dependencies.nextStep())

    def onFailed(self, error: Exception) -> None:
        """Offer a way out of a failed run, where a button can."""
        if isinstance(error, DeviceError):
            self._show(
                SetupStep(_("PyTorch finds no graphics card it can use."), _("Use the processor"), self._useProcessor)
            )
        else:
            self.check()

    def _show(self, step: SetupStep | None) -> None:
        self._step = step
        self._notice.visible = step is not None
        if step is not None:
            self._label.text = step.sentence
            self._button.text = step.button

    def _onButton(self) -> None:
        if self._step is None:
            return
        self._button.enabled = False
        try:
            self._step.act()
        except Exception as error:  # one that leaves a slot is only printed
            self._logic.said(explained(error, "set-up failed"))
        else:
            self._logic.said("")
        finally:
            self._button.enabled = True
        self.check()


def _isSatisfied(requirementText: str) -> bool:
    from packaging.requirements import Requirement

    requirement = Requirement(requirementText)
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)
