"""Tables of image-caption pairs: what is read, what is refused and how, the split, the batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedCLIPSegLab.tuning.pairs import Pair, clean_caption, draw_batches, read_pairs, split_pairs
from MedCLIPSegLogic.errors import MedCLIPSegError

CAPTION = "axial T1 image of a glioma"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).touch()
    return tmp_path


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_columns_are_found_by_name(images: Path) -> None:
    text = f'\ufeffCaption,id,filename\r\n"{CAPTION},\nlarge",1,a.png\r\n,,\r\nshort,2,b.png\r\n{CAPTION},3, c.png \r\n'
    table = read_pairs(write(images, text))
    assert [(pair.image.name, pair.caption) for pair in table.pairs] == [
        ("a.png", f"{CAPTION}, large"),
        ("c.png", CAPTION),
    ]
    assert table.dropped == 1
    assert table.pairs[1].place == f"Row 5 of {images / 'pairs.csv'}"
    assert len(read_pairs(table.path, min_caption=5).pairs) == 3


def test_images_may_lie_elsewhere(images: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write(tmp_path_factory.mktemp("tables"), f"filename,Caption\na.png,{CAPTION}\n")
    assert read_pairs(path, images).pairs[0].image == images / "a.png"
    with pytest.raises(MedCLIPSegError, match=r"Row 2 of .*pairs\.csv names the image 'a\.png', which .* --images"):
        read_pairs(path)


def test_what_cannot_be_used_is_named(images: Path) -> None:
    for text, words in [
        ("", "no column 'filename'; its columns are: none"),
        ("file,Caption\na.png,x\n", "no column 'filename'; its columns are: 'file', 'Caption'"),
        ("filename;Caption\na.png;x\n", "no column 'filename'; its columns are: 'filename;Caption'"),
        ("filename,Caption,caption\na.png,x,y\n", "more than one column 'Caption'"),
        ("filename,Caption\n", "it has no rows"),
        ("filename,Caption\na.png,mass\n", "none of its 1 captions has 20 characters"),
        (f"filename,Caption\na.png,{CAPTION}\n,{CAPTION}\n", r"Row 3 of .* has nothing in the column 'filename'"),
        (f"filename,Caption\na.png,{CAPTION}\ngone.png,{CAPTION}\n", r"Row 3 of .* names the image 'gone\.png'"),
        ("filename,Caption\na.png,a mass, and more\n", r"Row 2 of .* has 3 fields, but the header has 2"),
        (f'filename,Caption\na.png,{CAPTION}\nb.png,"never closed\n', r"Row 3 of .* cannot be read as CSV"),
        (f"filename,Caption\na\0.png,{CAPTION}\n", r"Row 2 of .*pairs\.csv"),
    ]:
        with pytest.raises(MedCLIPSegError, match=words):
            read_pairs(write(images, text))


def test_other_encodings_and_missing_tables_are_named(images: Path) -> None:
    text = f"filename,Caption\na.png,{CAPTION}\nb.png,Tumor größer als zwanzig\n"
    with pytest.raises(MedCLIPSegError, match=r"Line 3 of .* is not in UTF-8"):
        read_pairs(write(images, text, "latin-1"))
    with pytest.raises(MedCLIPSegError, match=r"no table of pairs .*gone\.csv"):
        read_pairs(images / "gone.csv")


def test_captions_are_cleaned() -> None:
    raw = "  CT \t(axial):\n * 3.5×2 cm mass* [arrow] #1 &nbsp;\u200b "
    assert clean_caption(raw) == "CT (axial): 3.5×2 cm mass arrow 1 nbsp;"
    assert clean_caption("größer ≥ 5 µm, T₂ ﬁbrosis") == "größer ≥ 5 μm, T2 fibrosis"


def some_pairs(count: int, captions: int) -> list[Pair]:
    return [Pair(Path(f"{n // 2}.png"), f"caption {n % captions}", f"Row {n}") for n in range(count)]


def test_the_split_is_by_image_and_reproducible() -> None:
    pairs = some_pairs(200, 200)
    training, validation = split_pairs(pairs, 0.15, seed=4)
    assert not {pair.image for pair in training} & {pair.image for pair in validation}
    assert len(validation) == 30
    assert sorted(p.place for p in training + validation) == sorted(p.place for p in pairs)
    assert set(split_pairs(pairs[::-1], 0.15, seed=4)[1]) == set(validation)
    assert set(split_pairs(pairs, 0.15, seed=5)[1]) != set(validation)
    with pytest.raises(MedCLIPSegError, match="at least 4 images"):
        split_pairs(some_pairs(6, 6), 0.15, seed=0)


def test_no_batch_has_an_image_or_a_caption_twice() -> None:
    pairs = some_pairs(101, 30)
    batches = draw_batches(pairs, 16, seed=1)
    for batch in batches:
        assert 2 <= len(batch) <= 16
        assert len({pair.image for pair in batch}) == len({pair.caption for pair in batch}) == len(batch)
    seen = [pair.place for batch in batches for pair in batch]
    assert len(seen) == len(set(seen)) >= 100
    assert draw_batches(pairs, 16, seed=1) == batches
    assert draw_batches(pairs, 16, seed=2) != batches
    distinct = [Pair(Path(f"{n}.png"), f"caption {n}", "") for n in range(40)]
    assert [len(batch) for batch in draw_batches(distinct, 16, seed=1)] == [16, 16, 8]
    assert draw_batches([Pair(Path(f"{n}.png"), "same", "") for n in range(5)], 4, seed=0) == []
