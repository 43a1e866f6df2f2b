"""What went wrong with a download, in a sentence."""

from __future__ import annotations

from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from ..errors import MedCLIPSegError, quoted
from ..model.manifest import HubFile
from ..model.store import HOME_VARIABLE, home
from .receiving import HTTP_ERROR

ELSEWHERE = f"free some space there or choose another folder with {HOME_VARIABLE}"
BY_HAND = "or bring the file on a stick and use medclipseg models import"


def sentence(file: HubFile, error: BaseException, received: int = 0, size: int = 0) -> MedCLIPSegError:
    """An error for people.

    Args:
        file: that was wanted.
        error: of the library, the network or the disk.
        received, size: bytes that are kept, and of the whole.
    """
    if isinstance(error, MedCLIPSegError):
        return error
    host = "the hub (huggingface.co or HF_ENDPOINT)"
    if isinstance(error, OfflineModeIsEnabled):
        return MedCLIPSegError(f"Downloads are switched off by HF_HUB_OFFLINE; unset it {BY_HAND}.")
    if isinstance(error, GatedRepoError):
        return MedCLIPSegError(f"{file.repository} asks for an account; accept its terms there and set HF_TOKEN.")
    if isinstance(error, (RepositoryNotFoundError, EntryNotFoundError)):
        return MedCLIPSegError(f"The hub has no {file.key}, or shows it only with a token in HF_TOKEN.")
    if isinstance(error, HfHubHTTPError):
        code = getattr(getattr(error, "response", None), "status_code", "unknown")
        return MedCLIPSegError(f"The hub answered with error {code} for {file.key}; try later, {BY_HAND}.")
    if isinstance(error, UnicodeError):
        return MedCLIPSegError("The token in HF_TOKEN has letters that no token has; copy it again, or unset HF_TOKEN.")
    kept = f" ({received / 1e6:.0f} of {size / 1e6:.0f} MB are kept; the same command goes on from there)"
    kept = kept if received else ""
    if isinstance(error, (HTTP_ERROR, TimeoutError)):
        return MedCLIPSegError(f"There is no connection to {host}{kept}; check network and proxy, {BY_HAND}.")
    if isinstance(error, OSError):
        return MedCLIPSegError(
            f"{file.key} cannot be stored in {home()}: {quoted(error.strerror or error)}{kept}; {ELSEWHERE}."
        )
    return MedCLIPSegError(f"{file.key} could not be downloaded: {quoted(error)}; try later, {BY_HAND}.")
