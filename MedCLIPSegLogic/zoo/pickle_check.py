"""What the pickled description of a checkpoint may hold, checked before torch reads it.

``torch.load(weights_only=True)`` runs nothing of a file, but takes more than checkpoints hold: buffers of any size,
slow codecs, keys nested so deeply that the program dies. Here the description is unpickled once with stand-ins that do
nothing in the place of all it names.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, ClassVar

import numpy as np

from ..errors import quoted
from ..model.store import MAX_WEIGHTS_BYTES

TORCH_NAMES = re.compile(
    r"torch\.(\w+Storage|storage\.\w+Storage|Size|device|bool|b?float\d+|u?int\d+"
    r"|nn\.parameter\.Parameter|_utils\._rebuild_(tensor|tensor_v2|parameter))"
)
KEY_TYPES = (str, bytes, int, float, type(None))
NUMERIC_CODES = re.compile(r"b1|[iu][1248]|f[248]|c(8|16)")
NUMERIC_CLASSES = (
    *("Bool", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
    *("Float16", "Float32", "Float64", "Complex64", "Complex128"),
)
OPCODES = (
    *(pickle.PROTO, pickle.STOP, pickle.GLOBAL, pickle.REDUCE, pickle.BINPERSID),
    *(pickle.MARK, pickle.APPEND, pickle.APPENDS, pickle.SETITEM, pickle.SETITEMS),
    *(pickle.EMPTY_LIST, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
    *(pickle.BINFLOAT, pickle.BINUNICODE, pickle.SHORT_BINSTRING),
    *(pickle.BINGET, pickle.LONG_BINGET, pickle.BINPUT, pickle.LONG_BINPUT),
)
"""What torch writes, but for dictionaries and the state of objects, which are made otherwise here."""


class NumpyType:
    """Stands in for ``numpy.dtype``: a numeric type, never one that holds objects or fields."""

    def __init__(self, code: object, *_options: object) -> None:
        if not isinstance(code, str) or not NUMERIC_CODES.fullmatch(code):
            raise pickle.UnpicklingError(f"numpy.dtype {quoted(code)}")
        self._code, self._order = code, "="

    def __setstate__(self, state: object) -> None:
        match state:
            case (3, "<" | ">" | "|" | "=" as order, None, None, None, -1, -1, 0):
                self._order = order
            case _:
                raise pickle.UnpicklingError("numpy.dtype with fields")

    def number(self, content: object) -> np.generic:
        """The number that some bytes are."""
        kind = np.dtype(self._order + self._code)
        if not isinstance(content, bytes) or len(content) != kind.itemsize:
            raise pickle.UnpicklingError("numpy scalar of a wrong size")
        return np.frombuffer(content, kind)[0]


def numpy_scalar(kind: object, content: object = None) -> np.generic:
    """Stands in for numpy's constructor of scalars; the real one would also take objects."""
    if not isinstance(kind, NumpyType):
        raise pickle.UnpicklingError("numpy scalar that is no number")
    return kind.number(content)


NUMPY_NAMES: dict[str, Any] = {
    "numpy.core.multiarray.scalar": numpy_scalar,  # numpy 1
    "numpy._core.multiarray.scalar": numpy_scalar,  # numpy 2
    "numpy.dtype": NumpyType,
    **{f"numpy.dtypes.{name}DType": NumpyType for name in NUMERIC_CLASSES},
}
"""Numbers that trainers put beside the weights: scores, and learning rates in the optimizer."""


def check_pickles(content: bytes, count: int) -> None:
    """Refuse pickles that hold more than weights, numbers and texts.

    Args:
        content: starts with the pickles; more may follow.
        count: of the pickles, one after the other.

    Raises:
        pickle.UnpicklingError: they hold something else; says what.
        Exception: of many kinds: damaged.
    """
    file = BytesIO(content)
    for _ in range(count):
        _Checker(file, encoding="utf-8").load()


class _Keyed(dict[Any, Any]):
    """Stands in for dictionaries; keys are plain, as hashing what is nested deeply kills the program."""

    def __init__(self, *_arguments: object) -> None:
        super().__init__()

    def __setitem__(self, key: object, value: object) -> None:
        _check_keys([key])
        super().__setitem__(key, value)


class _Inert:
    """Stands in for what makes tensors."""

    def __init__(self, *_arguments: object) -> None:
        pass


def _set(items: Iterable[object] = ()) -> _Inert:
    _check_keys(items)
    return _Inert()


def _encode(text: object, codec: object = None) -> bytes:
    if not isinstance(text, str) or codec != "latin1":
        raise pickle.UnpicklingError(f"_codecs.encode to {quoted(codec)}")
    return text.encode("latin1")


def _check_keys(keys: Iterable[object]) -> None:
    for key in keys:
        if not isinstance(key, KEY_TYPES):
            raise pickle.UnpicklingError(f"a key of type {type(key).__name__}")


NAMES: dict[str, Any] = {
    **NUMPY_NAMES,
    "_codecs.encode": _encode,
    "collections.OrderedDict": _Keyed,
    "collections.Counter": _set,
    "builtins.set": _set,
}


class _Checker(pickle._Unpickler):  # the one in C takes memory for numbers of memos that do not come
    stack: list[Any]
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        code[0]: pickle._Unpickler.dispatch[code[0]] for code in OPCODES
    }

    def find_class(self, module: str, name: str) -> Any:
        path = f"{module}.{name}"
        if path not in NAMES and not TORCH_NAMES.fullmatch(path):
            raise pickle.UnpicklingError(quoted(path))
        return NAMES.get(path, _Inert)

    def persistent_load(self, pid: Any) -> _Inert:
        """A storage: its kind, name, place and number of values, and None in older files."""
        match pid:
            case ("storage", _, str(), str(), int() as count, *rest) if rest in ([], [None]):
                if 0 <= count <= MAX_WEIGHTS_BYTES:
                    return _Inert()
        raise pickle.UnpicklingError("a storage of unusual form")

    def load_empty_dictionary(self) -> None:
        self.stack.append(_Keyed())

    def load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, NumpyType):
            target.__setstate__(state)
        elif not isinstance(target, _Keyed):  # whose state is what torch knows of versions
            raise pickle.UnpicklingError(f"a state for {type(target).__name__}")

    dispatch |= {pickle.EMPTY_DICT[0]: load_empty_dictionary, pickle.BUILD[0]: load_build}
