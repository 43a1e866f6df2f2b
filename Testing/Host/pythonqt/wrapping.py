"""PySide objects as PythonQt objects, and back."""

from __future__ import annotations

import enum
import weakref
from collections.abc import Callable
from typing import Any, cast

import shiboken6
from PySide6 import QtCore, QtGui

from pythonqt.descriptions import description
from pythonqt.enums import Enumerator, findEnumerator, isEnum
from pythonqt.methods import REFUSAL, Method, argument, converted
from pythonqt.signals import Signal, connect, disconnect
from pythonqt.subclasses import WRAPPER, derived

NOT_IN_PYTHONQT = {"emit"}
"""Functions that only PySide has."""

_classes: dict[type, WrapperType] = {}
_alive: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


class WrapperType(type):
    """Class of wrapped objects of one PySide class; enumerators and static functions are its attributes."""

    pysideClass: type
    isDerived = False

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> WrapperType:
        base = next((entry for entry in bases if isinstance(entry, WrapperType)), None)
        if base is not None:
            namespace = {**namespace, "isDerived": True}
            namespace["pysideClass"] = derived(name, base.pysideClass, namespace)
        return super().__new__(mcs, name, bases, namespace)

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        if cls.isDerived:
            return super().__call__(*arguments, **keywords)
        if keywords:
            name = f"{cls.__name__}({cls.__name__}) -> {cls.__name__}"
            raise ValueError(f"Called {name} with keyword arguments, but called slot does not support kwargs.")
        return wrap(_created(cls, arguments))

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = findEnumerator(cls.pysideClass, name)
        if found is not None:
            return found
        value = getattr(cls.pysideClass, name, None)
        if value is None:
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")
        if isEnum(value):
            return _EnumClass(value)
        return Method(value, name, None, cls.__name__) if callable(value) else wrap(value)


class _EnumClass:
    """An enum: makes enumerators of numbers and names them with its own name before them, as PythonQt 4 does."""

    def __init__(self, cls: type[enum.Enum]) -> None:
        self._cls = cls

    def __getattr__(self, name: str) -> Enumerator:
        if name in self._cls.__members__:
            return Enumerator(self._cls[name])
        raise AttributeError(f"type object '{self._cls.__name__}' has no attribute '{name}'")

    def __call__(self, value: int) -> Enumerator:
        return Enumerator(self._cls(int(value)))


class PythonQtInstanceWrapper:
    """Base of all wrapped objects."""

    __slots__ = ("__weakref__", "_object")

    def __init__(self, *arguments: Any) -> None:
        # Only classes derived in Python come here.
        target = _created(cast(WrapperType, type(self)), arguments)
        object.__setattr__(self, "_object", target)
        target.__dict__[WRAPPER] = self
        if isinstance(target, QtCore.QObject):
            _alive[_pointer(target)] = self

    def __bool__(self) -> bool:
        target = self._object
        if not shiboken6.isValid(target):
            return False
        return not (
            isinstance(target, QtCore.QObject)
            and hasattr(target, "count")
            and hasattr(target, "itemAt")
            and hasattr(target, "addWidget")
            and not target.count()
        )

    def __eq__(self, other: Any) -> bool:
        if other is None:
            return not shiboken6.isValid(self._object)
        if not isinstance(type(other), WrapperType):
            return False
        if isinstance(self._object, QtCore.QObject):
            return _pointer(self._object) == _pointer(other._object)
        return self._object is other._object or bool(self._object == other._object)

    def __hash__(self) -> int:
        return hash(_pointer(self._object))

    def __dir__(self) -> list[str]:
        target = self._object
        names = set(dir(target))
        if isinstance(target, QtCore.QObject):
            meta = target.metaObject()
            names |= {_nameOf(meta.property(index)) for index in range(meta.propertyCount())}
        return sorted(names)

    def __repr__(self) -> str:
        return description(self._object, type(self).__name__)

    def __getattr__(self, name: str) -> Any:
        target = object.__getattribute__(self, "_object")
        if name.startswith("__"):
            raise AttributeError(name)
        cls = type(self).__name__
        if not shiboken6.isValid(target):
            raise ValueError(f"Trying to read property '{name}' from a destroyed {cls} object")
        if isinstance(target, QtCore.QObject):
            found, value = _qobjectAttribute(target, name)
            if found:
                return value
        enumerator = findEnumerator(type(target), name)
        if enumerator is not None:
            return enumerator
        if name.startswith("_") or name in NOT_IN_PYTHONQT:
            raise AttributeError(f"{cls} has no attribute named '{name}'")
        value = getattr(target, "exec" if name == "exec_" else name, None)
        if value is None:
            raise AttributeError(f"{cls} has no attribute named '{name}'")
        if isinstance(value, QtCore.SignalInstance):
            return Signal(target, name)
        return Method(value, name, target, cls) if callable(value) else wrap(value)

    def __setattr__(self, name: str, value: Any) -> None:
        derivedInPython = cast(WrapperType, type(self)).isDerived
        if derivedInPython and not hasattr(self, "_object"):
            object.__setattr__(self, name, value)
            return
        target, cls = self._object, type(self).__name__
        if not shiboken6.isValid(target):
            raise ValueError(f"Trying to set property '{name}' on a destroyed {cls} object")
        if isinstance(target, QtCore.QObject):
            real = "objectName" if name == "name" else name
            index = target.metaObject().indexOfProperty(real)
            if index >= 0:
                _setProperty(target, index, value)
                return
            if real.encode() in [bytes(entry.data()) for entry in target.dynamicPropertyNames()]:
                target.setProperty(real, unwrap(value))
                return
        if derivedInPython:
            object.__setattr__(self, name, value)
            return
        if hasattr(target, name):
            raise AttributeError(f"Slot '{name}' can not be overwritten on {cls} object")
        raise AttributeError(
            f"'{name}' does not exist on {cls} and creating new attributes on C++ objects is not allowed"
        )


def wrap(value: Any) -> Any:
    """What PythonQt would hand to Python for a value of PySide; lists become tuples."""
    if isinstance(value, enum.Enum) and type(value).__module__.startswith("PySide6"):
        return Enumerator(value)
    if isinstance(value, (list, tuple)):
        return tuple(wrap(entry) for entry in value)
    if isinstance(value, QtCore.QObject) or _isPySide(value):
        return _wrapped(value)
    return value


def unwrap(value: Any) -> Any:
    """The PySide value behind a wrapped one; anything else as it is."""
    if isinstance(type(value), WrapperType):
        return value._object
    if isinstance(value, Enumerator):
        return value.member
    if isinstance(value, (list, tuple)):
        return type(value)(unwrap(entry) for entry in value)
    if isinstance(value, WrapperType):
        return value.pysideClass
    return value


def wrapperClass(pysideClass: type) -> WrapperType:
    """The class of wrapped objects of a PySide class."""
    if pysideClass not in _classes:
        cls = WrapperType(pysideClass.__name__, (PythonQtInstanceWrapper,), {"__slots__": ()})
        cls.pysideClass = pysideClass
        _classes[pysideClass] = cls
    return _classes[pysideClass]


def _created(cls: WrapperType, arguments: tuple[Any, ...]) -> Any:
    if issubclass(cls.pysideClass, QtGui.QImage) and arguments and isinstance(arguments[0], bytes):
        raise ValueError(f"{REFUSAL}\n{arguments}")
    try:
        return cls.pysideClass(*[argument(value) for value in arguments])
    except TypeError as error:
        raise ValueError(f"{REFUSAL} {error}") from None


def _isPySide(value: Any) -> bool:
    return isinstance(value, shiboken6.Object) and not isinstance(value, enum.Enum)


def _pointer(target: Any) -> int:
    try:
        return int(shiboken6.getCppPointer(target)[0])
    except (RuntimeError, TypeError):
        return id(target)


def _wrapped(target: Any) -> Any:
    own = getattr(target, "__dict__", {}).get(WRAPPER)
    if own is not None:
        return own
    if isinstance(target, QtCore.QObject) and shiboken6.isValid(target):
        known = _alive.get(_pointer(target))
        if known is not None and known._object is target:
            return known
    wrapped: PythonQtInstanceWrapper = object.__new__(cast(Any, wrapperClass(type(target))))
    object.__setattr__(wrapped, "_object", target)
    if isinstance(target, QtCore.QObject) and shiboken6.isValid(target):
        _alive[_pointer(target)] = wrapped
    return wrapped


def _qobjectAttribute(target: QtCore.QObject, name: str) -> tuple[bool, Any]:
    special: dict[str, Callable[[], Any]] = {
        "connect": lambda: lambda *arguments: connect(target, *arguments),
        "disconnect": lambda: lambda *arguments: disconnect(target, *arguments),
        "className": lambda: lambda: target.metaObject().className(),
        "delete": lambda: lambda: shiboken6.delete(target),
        "findChild": lambda: lambda *a: _findChild(target, *a),
        "findChildren": lambda: lambda *a: _findChildren(target, *a),
        "dynamicPropertyNames": lambda: lambda: tuple(wrap(entry) for entry in target.dynamicPropertyNames()),
    }
    if name in special:
        return True, special[name]()
    real = "objectName" if name == "name" else name
    if real == "singleShot" and isinstance(target, QtCore.QTimer):
        return False, None  # the static function hides the property of the same name
    meta = target.metaObject()
    if meta.indexOfProperty(real) >= 0 or real.encode() in [bytes(e.data()) for e in target.dynamicPropertyNames()]:
        return True, wrap(target.property(real))
    return False, None


def _findChild(target: QtCore.QObject, *arguments: Any) -> Any:
    found = _findChildren(target, *arguments)
    return found[0] if found else None


def _findChildren(target: QtCore.QObject, *arguments: Any) -> tuple[Any, ...]:
    if not 1 <= len(arguments) <= 2:
        raise ValueError("Could not find matching overload for given arguments:")
    cls = arguments[0]
    className = cls if isinstance(cls, str) else getattr(cls, "__name__", str(cls))
    children = target.findChildren(QtCore.QObject)
    if len(arguments) == 2:
        children = [child for child in children if child.objectName() == arguments[1]]
    return tuple(wrap(child) for child in children if child.inherits(className))


def _setProperty(target: QtCore.QObject, index: int, value: Any) -> None:
    prop = target.metaObject().property(index)
    name, kind, plain = _nameOf(prop), str(prop.typeName()), unwrap(value)
    if not prop.isWritable():
        raise AttributeError(f"Property '{name}' of type '{kind}' is not writable")
    try:
        plain = converted(list(plain) if isinstance(plain, tuple) else plain, kind)
    except (AttributeError, TypeError):
        raise AttributeError(_refusal(prop, value)) from None
    if not target.setProperty(name, plain):
        raise AttributeError(_refusal(prop, value))


def _refusal(prop: QtCore.QMetaProperty, value: Any) -> str:
    given = f"{type(value).__name__} ({value})"
    return f"Property '{_nameOf(prop)}' of type '{prop.typeName()!s}' does not accept an object of type {given}"


def _nameOf(prop: QtCore.QMetaProperty) -> str:
    """A property's name: text, whatever Qt's stubs say."""
    return str(prop.name())
