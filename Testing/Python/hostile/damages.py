"""Hypothesis strategies that damage files and values."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

NUMBERS = (0, -1, 1, 2, 7, 255, 1000, 4096, 65535, 2**31 - 1, 2**31, 2**32, 2**63, 10**30, 10**400, -(2**63))
FLOATS = (0.0, -0.0, 0.5, -1.5, 1e-320, 1e-30, 1e30, 1e300, float("inf"), float("-inf"), float("nan"))
TEXTS = (
    "",
    " ",
    "a",
    "x" * 5000,
    "\n",
    "two\nlines",
    "\x00",
    "\x1b[31mred",
    "\u202e\ufeff",
    "\ud800",
    "../../../../etc/passwd",
    "/dev/zero",
    "~nosuchuser/x",
    "{0.__class__}",
    "%s%n",
    "肿瘤",
    "1e999",
    "NaN",
)
VALUES = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from(FLOATS),
    st.sampled_from(TEXTS),
    st.sampled_from((None, True, False)),
    st.sampled_from(([], {}, [[]], [None], {"a": {}}, [1] * 2000, [1e300, 1e300, 1e300], {"": ""})).map(copy.deepcopy),
    st.integers(),
    st.text(max_size=40),
)


@st.composite
def damaged_bytes(draw: st.DrawFn, seed: bytes, within: int) -> bytes:
    """A file with some bytes changed, put in, taken out or cut off, most of them among the first ``within``."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, min(within, len(data)) - 1)))
        kind = draw(st.sampled_from(("set", "set", "word", "insert", "delete", "cut")))
        if kind == "set":
            data[place : place + 1] = bytes([draw(st.sampled_from((0, 1, 2, 0x0A, 0x20, 0x7F, 0x80, 0xFF, 0x2F)))])
        elif kind == "word":
            size = draw(st.sampled_from((2, 4, 8)))
            order = draw(st.sampled_from(("little", "big")))
            number = draw(st.sampled_from((0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 1500, 10**5)))
            data[place : place + size] = (number % 256**size).to_bytes(size, order)
        elif kind == "insert":
            data[place:place] = draw(st.binary(min_size=1, max_size=12))
        elif kind == "delete":
            del data[place : place + draw(st.integers(1, 40))]
        else:
            del data[place:]
    return bytes(data)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [place for key, child in children for place in _places(child, (*path, key))]


@st.composite
def damaged_json(draw: st.DrawFn, seed: Any) -> Any:
    """Data with some parts replaced, taken out, added or wrapped."""
    data = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(_places(data)))
        value = draw(VALUES)
        if not path:
            data = value if draw(st.integers(0, 9)) == 0 else data
            continue
        owner = data
        for part in path[:-1]:
            owner = owner[part]
        kind = draw(st.sampled_from(("replace", "replace", "replace", "remove", "wrap", "add")))
        if kind == "remove":
            del owner[path[-1]]
        elif kind == "wrap":
            owner[path[-1]] = [owner[path[-1]]]
        elif kind == "add" and isinstance(owner, dict):
            owner[draw(st.sampled_from(TEXTS))] = value
        else:
            owner[path[-1]] = value
    return data


def json_bytes(data: Any) -> bytes:
    """As any program may write it: NaN and lone surrogates as they come."""
    return json.dumps(data).encode()


def damaged_json_file(seed: Any) -> st.SearchStrategy[bytes]:
    """A JSON file whose data or bytes are damaged."""
    whole = json_bytes(seed)
    deep = st.sampled_from((b"[" * 100_000, b'{"a":' * 50_000, b"1" * 6000, b"\xff\xfe", b"\xef\xbb\xbf" + whole, b""))
    return st.one_of(damaged_json(seed).map(json_bytes), damaged_bytes(whole, len(whole)), deep)


@st.composite
def damaged_lines(draw: st.DrawFn, lines: list[str], values: tuple[str, ...]) -> str:
    """A text header of "name separator value" lines with some values replaced, lines doubled, taken out or moved."""
    lines = list(lines)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(("value", "value", "value", "double", "remove", "move", "append")))
        name, separator, _ = lines[place].partition("= ") if "= " in lines[place] else lines[place].partition(": ")
        if kind == "value":
            lines[place] = f"{name}{separator}{draw(st.sampled_from(values) | st.text(max_size=20))}"
        elif kind == "double":
            lines.insert(place, lines[draw(st.integers(0, len(lines) - 1))])
        elif kind == "remove" and len(lines) > 1:
            del lines[place]
        elif kind == "move":
            lines.append(lines.pop(place))
        else:
            lines[place] += draw(st.sampled_from(values))
    return "\n".join(lines)
