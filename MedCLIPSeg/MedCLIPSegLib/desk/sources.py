"""Where cases come from: a folder, or the application's DICOM database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import slicer
from slicer.i18n import tr as _

from MedCLIPSegLogic.errors import MedCLIPSegError, quoted

if TYPE_CHECKING:
    from MedCLIPSegLogic.desk.case_folder import Case

MODALITY, NO_IMAGES = "0008,0060", ("SEG", "SR", "PR", "KO", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE")


class Source(Protocol):
    """Has cases, opens them, and has a folder in which what people think of them is kept."""

    folder: Path

    def cases(self) -> list[Case]: ...

    def load(self, case: Case) -> None: ...


class FolderSource:
    """Images and results in a folder.

    Args:
        folder: of the cases.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def cases(self) -> list[Case]:
        """Cases by name.

        Raises:
            MedCLIPSegError: the folder cannot be read.
        """
        from MedCLIPSegLogic.desk.case_folder import cases_of

        return cases_of(self.folder)

    def load(self, case: Case) -> None:
        """Load a case into the scene.

        Raises:
            MedCLIPSegError: the application cannot read it.
        """
        if case.source.endswith(".mrb"):
            loadScene(Path(case.source))
        else:
            _load(Path(case.source).name, lambda: slicer.util.loadVolume(case.source, {"singleFile": True}))


class DatabaseSource:
    """The image series of the DICOM database.

    Args:
        database: ``slicer.dicomDatabase``.
    """

    def __init__(self, database: Any) -> None:
        self._database = database
        self.folder = Path(str(database.databaseFilename)).parent

    def cases(self) -> list[Case]:
        """Series by patient and description; what holds no images is left out."""
        from MedCLIPSegLogic.desk.case_folder import Case

        found = []
        for patient in self._database.patients():
            name = str(self._database.nameForPatient(patient) or patient)
            for study in self._database.studiesForPatient(patient):
                for series in self._database.seriesForStudy(study):
                    files = self._database.filesForSeries(series)
                    if not files or str(self._database.fileValue(files[0], MODALITY)) in NO_IMAGES:
                        continue
                    what = str(self._database.descriptionForSeries(series) or series)
                    found.append(Case(series, f"{name.replace('^', ' ').strip()} – {what}", series))
        return sorted(found, key=lambda case: case.label.lower())

    def load(self, case: Case) -> None:
        """Load a series into the scene.

        Raises:
            MedCLIPSegError: the application cannot read it.
        """
        from DICOMLib import DICOMUtils

        def load() -> None:
            if not DICOMUtils.loadSeriesByUID([case.source]):
                raise RuntimeError("no nodes")

        _load(case.label, load)


def loadScene(path: Path) -> None:
    """Add what a scene holds to the scene.

    Raises:
        MedCLIPSegError: it cannot be read.
    """
    _load(path.name, lambda: slicer.util.loadScene(str(path)))


def dicomDatabase() -> Any:
    """The application's DICOM database; None when there is none on the disk, it is closed or has no patients."""
    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen or not Path(str(database.databaseFilename)).is_file():
        return None
    return database if database.patients() else None


def _load(name: str, load: Callable[[], object]) -> None:
    """Load something.

    Raises:
        MedCLIPSegError: the application raised a ``RuntimeError``.
    """
    try:
        load()
    except RuntimeError as error:
        raise MedCLIPSegError(
            _("“{name}” cannot be opened; the log says why, and the other cases can be.").format(name=quoted(name))
        ) from error
