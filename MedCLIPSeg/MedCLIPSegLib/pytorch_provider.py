"""PyTorch through Slicer's PyTorch extension."""

import importlib
import importlib.util
import logging
from typing import Any

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLogic.errors import MedCLIPSegError

TORCH_REQUIREMENT = ">=2.6"


class PyTorchProvider:
    """Makes ``import torch`` work, asking before anything is installed.

    The PyTorch extension is asked because it picks the build that fits the computer's graphics card and driver.
    """

    def ensure(self) -> None:
        """Install PyTorch when it is missing, and load it.

        Raises:
            MedCLIPSegError: it is not there and was not installed, or it does not start.
        """
        if importlib.util.find_spec("torch") is None:
            self._install()
        try:
            importlib.import_module("torch")
        except Exception as error:  # a half-broken installation raises OSError, RuntimeError and others
            logging.exception("PyTorch does not start")
            raise MedCLIPSegError(
                _(
                    "PyTorch is installed but does not start ({reason}). Uninstall and reinstall it in the "
                    "PyTorch Utils module, then restart Slicer."
                ).format(reason=error)
            ) from error

    def _install(self) -> None:
        logic = self._extensionLogic()
        if logic is None:
            self._offerExtension()
        torch = logic.installTorch(askConfirmation=True, torchVersionRequirement=TORCH_REQUIREMENT)
        if torch is None:
            raise MedCLIPSegError(_("PyTorch was not installed; nothing can be segmented without it."))

    def _extensionLogic(self) -> Any:
        try:
            module = importlib.import_module("PyTorchUtils")
        except ModuleNotFoundError:
            return None
        return module.PyTorchUtilsLogic()

    def _offerExtension(self) -> None:
        """Offer the PyTorch extension; always ends in an error, since it loads only after a restart."""
        question = _(
            "MedCLIPSeg computes with PyTorch, which the PyTorch extension brings to Slicer.\n\n"
            "Install the PyTorch extension now?"
        )
        if not slicer.util.confirmOkCancelDisplay(question):
            raise MedCLIPSegError(_("The PyTorch extension is missing; install it in the Extensions Manager."))
        if not slicer.app.extensionsManagerModel().installExtensionFromServer("PyTorch", False):
            raise MedCLIPSegError(
                _("The PyTorch extension could not be installed; check the network, then try the Extensions Manager.")
            )
        raise MedCLIPSegError(_("The PyTorch extension is installed. Restart Slicer, then press Apply again."))
