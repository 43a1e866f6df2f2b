"""How values are kept in a vtkMRMLScriptedModuleNode."""

from __future__ import annotations

import enum
import numbers
import types
import typing
from pathlib import Path
from typing import Any

import slicer


class Serializer:
    """Writes and reads values of one type under a key."""

    default: Any = None

    def isIn(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> bool:
        """True when the node has a value."""
        return node.HasParameter(key)

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, key: str, value: Any) -> None:
        """Put a value into the node.

        Raises:
            TypeError: not a value of this type.
        """
        raise NotImplementedError

    def read(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> Any:
        """Return the node's value."""
        raise NotImplementedError

    def remove(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> None:
        """Take the value out of the node."""
        node.UnsetParameter(key)


class TextSerializer(Serializer):
    """Values of one type as text.

    Args:
        kind: str, bool, int or float.
    """

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self.default = kind()

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, key: str, value: Any) -> None:
        accepted = numbers.Number if self._kind in (int, float) else self._kind
        if not isinstance(value, accepted):
            raise TypeError(f"Parameter {key!r} takes {self._kind.__name__}, got {type(value).__name__}: {value!r}")
        node.SetParameter(key, str(self._kind(value)))

    def read(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> Any:
        text = node.GetParameter(key)
        return text == "True" if self._kind is bool else self._kind(text)


class PathSerializer(Serializer):
    """Paths as text."""

    default = Path()

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, key: str, value: Any) -> None:
        if not isinstance(value, (str, Path)):
            raise TypeError(f"Parameter {key!r} takes a path, got {type(value).__name__}: {value!r}")
        node.SetParameter(key, Path(value).as_posix())

    def read(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> Path:
        return Path(node.GetParameter(key))


class EnumSerializer(Serializer):
    """Members of an enumeration by name."""

    def __init__(self, kind: type[enum.Enum]) -> None:
        self._kind = kind
        self.default = next(iter(kind))

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, key: str, value: Any) -> None:
        if not isinstance(value, self._kind):
            raise TypeError(f"Parameter {key!r} takes {self._kind.__name__}, got {value!r}")
        node.SetParameter(key, value.name)

    def read(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> enum.Enum:
        return self._kind[node.GetParameter(key)]


class NodeSerializer(Serializer):
    """MRML nodes as references in the role of the key.

    Args:
        kinds: node classes that are accepted.
    """

    def __init__(self, kinds: tuple[Any, ...]) -> None:
        self.kinds = kinds

    def isIn(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> bool:
        return node.GetNodeReferenceID(key) is not None

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, key: str, value: Any) -> None:
        if value is not None and not isinstance(value, self.kinds):
            names = ", ".join(kind.__name__ for kind in self.kinds)
            raise TypeError(f"Parameter {key!r} takes {names} or None, got {value!r}")
        node.SetNodeReferenceID(key, value.GetID() if value is not None else None)

    def read(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> Any:
        return node.GetNodeReference(key)

    def remove(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> None:
        node.SetNodeReferenceID(key, None)


class ListSerializer(Serializer):
    """Lists as their length and one key an item."""

    def __init__(self, item: Serializer) -> None:
        self._item = item
        self.default = []

    def isIn(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> bool:
        return node.HasParameter(f"{key}.len")

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, key: str, value: Any) -> None:
        was = node.StartModify()
        try:
            self.remove(node, key)
            for index, item in enumerate(value):
                self._item.write(node, f"{key}.{index}", item)
            node.SetParameter(f"{key}.len", str(len(value)))
        finally:
            node.EndModify(was)

    def read(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> Any:
        items = (self._item.read(node, f"{key}.{index}") for index in range(int(node.GetParameter(f"{key}.len"))))
        return StoredList(items, lambda changed: self.write(node, key, changed))

    def remove(self, node: slicer.vtkMRMLScriptedModuleNode, key: str) -> None:
        for index in range(int(node.GetParameter(f"{key}.len") or 0)):
            self._item.remove(node, f"{key}.{index}")
        node.UnsetParameter(f"{key}.len")


class StoredList(list):
    """A list that writes itself back when it is changed in place."""

    def __init__(self, items: typing.Iterable[Any], store: typing.Callable[[list[Any]], None]) -> None:
        super().__init__(items)
        self._store = store

    def append(self, item: Any) -> None:
        super().append(item)
        self._store(self)

    def extend(self, items: typing.Iterable[Any]) -> None:
        super().extend(items)
        self._store(self)

    def insert(self, index: typing.SupportsIndex, item: Any) -> None:
        super().insert(index, item)
        self._store(self)

    def remove(self, item: Any) -> None:
        super().remove(item)
        self._store(self)

    def pop(self, index: typing.SupportsIndex = -1) -> Any:
        item = super().pop(index)
        self._store(self)
        return item

    def clear(self) -> None:
        super().clear()
        self._store(self)

    def __setitem__(self, index: Any, item: Any) -> None:
        super().__setitem__(index, item)
        self._store(self)

    def __delitem__(self, index: Any) -> None:
        super().__delitem__(index)
        self._store(self)


def serializerFor(kind: Any) -> Serializer:
    """Return the serializer of an annotation without its ``Annotated`` part.

    Raises:
        ValueError: nothing can keep values of this type.
    """
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        members = typing.get_args(kind)
        nodes = tuple(member for member in members if _isNodeClass(member))
        # A union of nodes without None is refused: references may always be empty.
        if nodes and type(None) in members and len(nodes) == len(members) - 1:
            return NodeSerializer(nodes)
        raise ValueError(f"Unable to find serializer for type {kind}: use nodes and None, or a single type")
    if _isNodeClass(kind):
        return NodeSerializer((kind,))
    if typing.get_origin(kind) is list:
        return ListSerializer(serializerFor(typing.get_args(kind)[0]))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return EnumSerializer(kind)
    if kind in (str, bool, int, float):
        return TextSerializer(kind)
    if kind is Path:
        return PathSerializer()
    raise ValueError(f"Unable to find serializer for type {kind}")


def _isNodeClass(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)
