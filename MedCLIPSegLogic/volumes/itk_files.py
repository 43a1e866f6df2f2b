"""NRRD and MetaImage files: what a header claims is checked before ITK opens the file of voxels that it names."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import SimpleITK as sitk

from ..errors import MedCLIPSegError, quoted
from ..named_files import file_within, unicode_name
from .itk_images import image_matrix, image_voxels, quiet_itk, unreadable
from .limits import check_claim
from .quiet import quiet_libraries
from .volume import Volume

Storage = Literal["plain", "text", "packed"]
MAX_HEADER_BYTES = 16 * 2**20
"""More than the tags of a thousand segments take."""
MAX_FIELDS = 50_000
"""ITK takes ten kilobytes for each of MetaImage."""
MAX_FIELD_BYTES = 400
"""ITK's reader of NRRD writes beyond its memory when it complains of a field of some 800."""
NRRD_FIELDS = {
    *("content", "number", "type", "blocksize", "dimension", "space", "spacedimension", "sizes", "spacings"),
    *("thicknesses", "axismins", "axismaxs", "centers", "centerings", "kinds", "labels", "units", "min", "max"),
    *("oldmin", "oldmax", "endian", "encoding", "lineskip", "byteskip", "sampleunits", "spaceunits", "spaceorigin"),
    *("spacedirections", "measurementframe", "datafile"),
}
NRRD_STORAGE: dict[str, Storage] = {"raw": "plain", "ascii": "text", "text": "text", "txt": "text", "hex": "text"}
META_DATA = re.compile(rb"(?:\A|(?<=\n))ElementDataFile[ \t]*[=:]([^\r\n]*)(?:\r?\n|\Z)")


META_FIELD = re.compile(r"\s*([^\s=:][^=:]{0,100}?)[ \t]*[=:][ \t]*(.*?)[ \t]*")
META_NUMBERS = {
    **dict.fromkeys(("NDims", "ElementNumberOfChannels", "HeaderSize", "CompressedDataSize"), 0),
    **dict.fromkeys(
        ("DimSize", "ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "CenterOfRotation"), 1
    ),
    **dict.fromkeys(("TransformMatrix", "Rotation", "Orientation"), 2),
}
"""Numbers of a MetaImage header, by the power of the dimensions that tells how many there must be; with more or fewer
ITK's reader loses its place or never ends."""
ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS
BYTES_AT_ONCE = 1 << 20
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class _Header:
    """Where and how the voxels are stored.

    Args:
        reader: of ITK.
        length: bytes of the header.
        data: name of the file that holds the voxels; None for the file itself.
        storage: of the numbers.
    """

    reader: Literal["NrrdImageIO", "MetaImageIO"]
    length: int
    data: str | None
    storage: Storage


def read_itk(path: Path, name: str) -> Volume:
    """Read .nrrd, .nhdr, .mha or .mhd.

    Raises:
        MedCLIPSegError: unreadable file, voxels in a file that is not in the header's folder, fewer voxels than
            claimed, too little memory, several time points, or components which are not colors.
    """
    file_name = unicode_name(path)
    with path.open("rb") as file:
        start = file.read(MAX_HEADER_BYTES)
    header = _nrrd_header(start, path) if start.startswith(b"NRRD") else _meta_header(start, path)
    data = path if header.data is None else _data_file(path, header.data)
    reader = sitk.ImageFileReader()
    reader.SetImageIO(header.reader)  # left to choose, ITK goes by the content, which may be of any format
    reader.SetFileName(file_name)
    try:
        with quiet_itk(), quiet_libraries():
            reader.ReadImageInformation()
            _check_claim(path, reader, data, header)
            image = reader.Execute()
    except RuntimeError as error:
        if "allocate memory" in str(error):
            raise MemoryError from error
        raise unreadable(path) from error
    return Volume(image_voxels(image, path), image_matrix(image), name)


def _check_claim(path: Path, reader: sitk.ImageFileReader, data: Path, header: _Header) -> None:
    components = reader.GetNumberOfComponents()
    number = sitk.Image([1, 1], reader.GetPixelID(), min(components, 2)).GetSizeOfPixelComponent()
    stored = data.stat().st_size - (header.length if data == path else 0)
    # As text, a number takes at least one character.
    stored *= number if header.storage == "text" else 1
    voxels = math.prod(reader.GetSize())
    check_claim(path, voxels, number * components, stored, header.storage == "packed")
    if header.reader == "MetaImageIO" and header.storage == "packed":
        _check_packed(path, data, header, voxels * number * components)


def _check_packed(path: Path, data: Path, header: _Header, claimed: int) -> None:
    """Unfold once for the length: where that fails, ITK goes on with whatever lies in the memory.

    Raises:
        MedCLIPSegError: the packed bytes are damaged, or too few for the claim.
    """
    unpack, found = zlib.decompressobj(ZLIB_OR_GZIP), 0
    try:
        with data.open("rb") as file:
            file.seek(header.length if data == path else 0)
            while found < claimed and (packed := unpack.unconsumed_tail or file.read(BYTES_AT_ONCE)):
                found += len(unpack.decompress(packed, BYTES_AT_ONCE))
    except zlib.error as error:
        raise unreadable(path) from error
    if found < claimed:
        raise unreadable(path)


def _nrrd_header(start: bytes, path: Path) -> _Header:
    """Read up to the first empty line; the header of voxels in another file may end with the file.

    Raises:
        MedCLIPSegError: a line is none of a NRRD header, which not every reader survives.
    """
    fields: dict[str, str] = {}
    end = re.search(rb"(?:\r\n|\n|\r(?!\n)){2}", start)
    lines = re.split(rb"\r\n|\n|\r", start[: end.start()] if end else start)
    for line in lines[1:]:
        field, separator, value = line.partition(b":")
        if not line or line.startswith(b"#") or value.startswith(b"="):
            continue
        known = "".join(field.decode("latin-1").lower().split())
        is_long = len(value) > MAX_FIELD_BYTES and known != "content"
        if not separator or known not in NRRD_FIELDS or known in fields or is_long or b"\0" in value:
            raise unreadable(path)
        fields[known] = value.decode("utf-8", "surrogateescape").strip()
        if known == "datafile" and fields[known].startswith("LIST"):
            break  # names follow
    if end is None and "datafile" not in fields:
        raise unreadable(path)
    storage = NRRD_STORAGE.get(fields.get("encoding", "").lower(), "packed")
    return _Header("NrrdImageIO", end.end() if end else len(start), fields.get("datafile"), storage)


def _meta_header(start: bytes, path: Path) -> _Header:
    """Read up to the name of the file of voxels, which comes last, so that no reader can find another one.

    Raises:
        MedCLIPSegError: a line is none of a MetaImage header, which not every reader survives.
    """
    found = META_DATA.search(start)
    if found is None or start.find(b"ElementDataFile") != found.start() or b"\0" in found[0]:
        raise unreadable(path)
    fields: dict[str, str] = {}
    for line in filter(None, re.split(r"\r?\n", start[: found.start()].decode("latin-1"))):
        field = META_FIELD.fullmatch(line)
        if field is None or field[1] in fields or len(fields) == MAX_FIELDS:
            raise unreadable(path)
        fields[field[1]] = field[2]
    dimensions = int(fields["NDims"]) if re.fullmatch("[1-9]|10", fields.get("NDims", "")) else 0
    numbers = {name: fields[name].split() for name in META_NUMBERS if name in fields}
    if (
        not dimensions
        or not {"DimSize", "ElementType"} <= fields.keys()
        or any(
            len(words) != dimensions ** META_NUMBERS[name] or not all(map(NUMBER.fullmatch, words))
            for name, words in numbers.items()
        )
    ):
        raise unreadable(path)
    is_true = {name for name, value in fields.items() if value[:1] in ("T", "t", "1")}
    storage: Storage = "plain" if "BinaryData" in is_true else "text"
    storage = "packed" if "CompressedData" in is_true else storage
    data = found[1].decode("utf-8", "surrogateescape").strip()
    return _Header("MetaImageIO", found.end(), None if data.upper() == "LOCAL" else data, storage)


def _data_file(path: Path, name: str) -> Path:
    """The file of voxels that a header names.

    Raises:
        MedCLIPSegError: it is a list or a pattern of files, no regular file, or not in the header's folder.
    """
    found = None if "%" in name or name == "-" or name.startswith("LIST") else file_within(path.parent, name)
    if found is None:
        raise MedCLIPSegError(
            f"{path} takes its voxels from “{quoted(name)}”, which is not one file in its folder; save the image as a "
            "single file."
        )
    return found
