"""What models know, read from their folders, once a model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from MedCLIPSegLib.application import explained
from MedCLIPSegLib.model.zero_shot_choices import isZeroShot
from MedCLIPSegLogic.errors import MedCLIPSegError, MissingModelError

if TYPE_CHECKING:
    from MedCLIPSegLogic.knowledge.known import Knowledge

READER = "MedCLIPSegLogic.model.folder"
"""Who reads the file. It is imported ahead, in slices, as that takes too long for a panel that opens."""


class ModelKnowledge:
    """Knowledge by name of the model; no model is loaded for it."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[Knowledge | None, str]] = {}

    def of(self, model: str) -> Knowledge | None:
        """What a model knows; None where nobody recorded that, and until what reads it was imported."""
        return self._look(model)[0]

    def problem(self, model: str) -> str:
        """Why the record of a model can't be read, one sentence; empty when it can, or there is none."""
        return self._look(model)[1]

    def isKnown(self, model: str) -> bool:
        """False until it can be told whether a model has a record."""
        return bool(model) and READER in sys.modules

    def forget(self) -> None:
        """Look again at the disk: models come and go."""
        self._read.clear()

    def _look(self, model: str) -> tuple[Knowledge | None, str]:
        if not self.isKnown(model) or isZeroShot(model):
            return None, ""
        if model not in self._read:
            from MedCLIPSegLogic.model.catalog import find_model
            from MedCLIPSegLogic.model.folder import read_knowledge

            try:
                self._read[model] = read_knowledge(find_model(model)), ""
            except MissingModelError:  # may be downloaded yet
                return None, ""
            except MedCLIPSegError as error:
                self._read[model] = None, explained(error, "the knowledge of a model can't be read")
        return self._read[model]
