"""PyTorch through Slicer's PyTorch extension."""

import importlib
import importlib.util
from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLogic.errors import MedCLIPSegError

TORCH_REQUIREMENT = ">=2.6"


class PyTorchProvider:
    """Makes ``import torch`` possible, asking before anything is installed.

    The PyTorch extension is asked because it picks the build that fits the computer's graphics card and driver.
    Nothing is imported to find out what is there: that would take seconds.
    """

    @property
    def isInstalled(self) -> bool:
        """True when PyTorch is there; whether it starts shows in the first run."""
        return importlib.util.find_spec("torch") is not None

    @property
    def hasExtension(self) -> bool:
        """True when the PyTorch extension is loaded."""
        return importlib.util.find_spec("PyTorchUtils") is not None

    def install(self) -> None:
        """Install PyTorch with the extension; asks first.

        Raises:
            MedCLIPSegError: it was not installed.
        """
        logic = importlib.import_module("PyTorchUtils").PyTorchUtilsLogic()
        torch: Any = logic.installTorch(askConfirmation=True, torchVersionRequirement=TORCH_REQUIREMENT)
        if torch is None:
            raise MedCLIPSegError(
                _("PyTorch was not installed, and nothing can be segmented without it; check the network.")
            )

    def installExtension(self) -> None:
        """Install the PyTorch extension.

        Raises:
            MedCLIPSegError: always: it could not be installed, or it loads only after a restart of Slicer.
        """
        if not slicer.app.extensionsManagerModel().installExtensionFromServer("PyTorch", False):
            raise MedCLIPSegError(
                _("The PyTorch extension could not be installed; check the network, then try the Extensions Manager.")
            )
        raise MedCLIPSegError(_("The PyTorch extension is installed; restart Slicer, then segment again."))
