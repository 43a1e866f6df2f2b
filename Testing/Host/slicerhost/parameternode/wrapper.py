"""The class decorator that turns annotations into parameters of a node."""

from __future__ import annotations

import copy
import itertools
import typing
from collections.abc import Callable
from typing import Any

import slicer
import vtk

from slicerhost.parameternode.annotations import Default, Validator
from slicerhost.parameternode.serializers import Serializer, serializerFor

RESERVED = frozenset(
    {
        "allParameters",
        "default",
        "isCached",
        "dataType",
        "getValue",
        "setValue",
        "connectGui",
        "connectParametersToGui",
        "disconnectGui",
        "StartModify",
        "EndModify",
        "AddObserver",
        "RemoveObserver",
        "Modified",
    }
)
_MUTABLE = (list, dict, set)


class Parameter:
    """One annotated attribute: a descriptor that reads and writes the node.

    Args:
        name: of the attribute; also the key in the node.
        annotation: its type, with or without ``Annotated``.
        given: default value of the class body; `Parameter.NOTHING` when it has none.

    Raises:
        ValueError: a reserved name, a type nothing can keep, a mutable or an invalid default.
    """

    NOTHING = object()

    def __init__(self, name: str, annotation: Any, given: Any) -> None:
        if name in RESERVED:
            raise ValueError(f"Cannot use reserved name {name!r} for a parameter")
        isAnnotated = typing.get_origin(annotation) is typing.Annotated
        self.name = name
        self.annotation = annotation
        self.kind = typing.get_args(annotation)[0] if isAnnotated else annotation
        self.remarks: tuple[Any, ...] = typing.get_args(annotation)[1:] if isAnnotated else ()
        self.serializer: Serializer = serializerFor(self.kind)
        self._default = self._defaultMaker(given)
        if given is not Parameter.NOTHING or any(isinstance(remark, Default) for remark in self.remarks):
            self._validate(self._default())

    def default(self) -> Any:
        """Value the parameter begins with."""
        return self._default()

    def remark(self, kind: type) -> Any:
        """The remark of a class in ``Annotated``, or None."""
        return next((remark for remark in self.remarks if isinstance(remark, kind)), None)

    def __get__(self, wrapped: Any, _owner: type) -> Any:
        return self if wrapped is None else self.read(wrapped.parameterNode)

    def __set__(self, wrapped: Any, value: Any) -> None:
        self.write(wrapped.parameterNode, value)

    def read(self, node: slicer.vtkMRMLScriptedModuleNode) -> Any:
        """Return the value; scenes from elsewhere may hold one that is refused (ValueError)."""
        value = self.serializer.read(node, self.name)
        self._validate(value)
        return value

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, value: Any) -> None:
        """Store a value (TypeError, ValueError when it is refused)."""
        self._validate(value)
        self.serializer.write(node, self.name, value)

    def _defaultMaker(self, given: Any) -> Callable[[], Any]:
        remark = self.remark(Default)
        if given is not Parameter.NOTHING and remark is not None:
            raise ValueError(f"Parameter {self.name!r} has two defaults")
        if remark is not None:
            return remark.make
        if isinstance(given, _MUTABLE):
            raise ValueError(f"Parameter {self.name!r} has a mutable default; use Default(generator=...)")
        if given is not Parameter.NOTHING:
            return lambda: given
        choices = getattr(self.remark(Validator), "choices", None)
        if choices:
            return lambda: choices[0]
        minimum = getattr(self.remark(Validator), "minimum", None)
        if minimum is not None and minimum > 0:
            return lambda: minimum
        return lambda: copy.copy(self.serializer.default)

    def _validate(self, value: Any) -> None:
        for remark in self.remarks:
            if isinstance(remark, Validator):
                remark.validate(value)


class GuiBinding:
    """Widgets that follow parameters, and the other way round.

    Args:
        wrapped: the wrapped parameter node.
        connectors: connector of each parameter by name.
    """

    def __init__(self, wrapped: Any, connectors: dict[str, Any]) -> None:
        self._wrapped = wrapped
        self._connectors = connectors
        self._isUpdating = False
        for name, connector in connectors.items():
            connector.onChanged(self._writer(name))
        self._tag = wrapped.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, self._onModified)
        self._onModified(None, None)

    def disconnect(self) -> None:
        """Let the widgets go."""
        self._wrapped.parameterNode.RemoveObserver(self._tag)
        for connector in self._connectors.values():
            connector.offChanged()

    def _writer(self, name: str) -> Callable[[], None]:
        def write() -> None:
            if not self._isUpdating:
                self._wrapped.setValue(name, self._connectors[name].read())

        return write

    def _onModified(self, _caller: Any, _event: Any) -> None:
        # Every modification shows all parameters anew, as in the application.
        wasUpdating, self._isUpdating = self._isUpdating, True
        try:
            for name, connector in self._connectors.items():
                connector.write(self._wrapped.getValue(name))
        finally:
            self._isUpdating = wasUpdating


class WrappedNode:
    """Base of every wrapped class: the node itself and what can be asked of its parameters."""

    _parameters: dict[str, Parameter]
    parameterNode: slicer.vtkMRMLScriptedModuleNode
    _bindings: dict[int, GuiBinding]
    _tags: itertools.count[int]

    def __init__(self, parameterNode: slicer.vtkMRMLScriptedModuleNode) -> None:
        object.__setattr__(self, "parameterNode", parameterNode)
        object.__setattr__(self, "_bindings", {})
        object.__setattr__(self, "_tags", itertools.count(1))
        for parameter in self._parameters.values():
            if not parameter.serializer.isIn(parameterNode, parameter.name):
                parameter.serializer.write(parameterNode, parameter.name, parameter.default())

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._parameters:
            raise AttributeError(f"{type(self).__name__} has no parameter {name!r}")
        self._parameters[name].write(self.parameterNode, value)

    @property
    def allParameters(self) -> dict[str, Any]:
        """Annotation of each parameter by name."""
        return {name: parameter.annotation for name, parameter in self._parameters.items()}

    def default(self, name: str) -> Any:
        """Value a parameter begins with."""
        return self._find(name).default()

    def dataType(self, name: str) -> Any:
        """Annotation of a parameter."""
        return self._find(name).annotation

    def isCached(self, name: str) -> bool:
        """Always False here: values are read from the node each time."""
        self._find(name)
        return False

    def getValue(self, name: str) -> Any:
        """Value of a parameter."""
        return self._find(name).read(self.parameterNode)

    def setValue(self, name: str, value: Any) -> None:
        """Store the value of a parameter."""
        self._find(name).write(self.parameterNode, value)

    def connectGui(self, gui: Any) -> int:
        """Bind all widgets of ``gui`` that have the property SlicerParameterName; returns a tag."""
        widgets = [getattr(gui, name) for name in dir(gui) if not name.startswith("_")]
        named = [(w.property("SlicerParameterName"), w) for w in widgets if callable(getattr(w, "property", None))]
        return self.connectParametersToGui({name: widget for name, widget in named if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Bind widgets to parameters by name; returns a tag."""
        from slicerhost.parameternode.gui_connectors import connectorFor

        connectors = {name: connectorFor(widget, self._find(name)) for name, widget in mapping.items()}
        tag = next(self._tags)
        self._bindings[tag] = GuiBinding(self, connectors)
        return tag

    def disconnectGui(self, tag: int) -> None:
        """Undo the binding of a tag; does nothing when there is none."""
        binding = self._bindings.pop(tag, None)
        if binding is not None:
            binding.disconnect()

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModifying: int) -> int:
        return self.parameterNode.EndModify(wasModifying)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def _find(self, name: str) -> Parameter:
        if name not in self._parameters:
            raise ValueError(f"Cannot find a parameter with the given name: {name}")
        return self._parameters[name]


def parameterNodeWrapper(wrappedClass: type) -> type:
    """Return a class whose instances read and write a vtkMRMLScriptedModuleNode."""
    parameters = {
        name: Parameter(name, annotation, vars(wrappedClass).get(name, Parameter.NOTHING))
        for name, annotation in typing.get_type_hints(wrappedClass, include_extras=True).items()
    }
    others = {
        name: value
        for name, value in vars(wrappedClass).items()
        if name not in parameters and name not in ("__dict__", "__weakref__")
    }
    return type(wrappedClass.__name__, (WrappedNode,), {**others, **parameters, "_parameters": parameters})
