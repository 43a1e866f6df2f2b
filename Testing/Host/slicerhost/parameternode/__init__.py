"""What ``slicer.parameterNodeWrapper`` offers, written for tests from its documented behavior."""

from slicerhost.parameternode.annotations import (
    Choice,
    Decimals,
    Default,
    Exclude,
    Maximum,
    Minimum,
    SingleStep,
    WithinRange,
)
from slicerhost.parameternode.wrapper import parameterNodeWrapper

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "Maximum",
    "Minimum",
    "SingleStep",
    "WithinRange",
    "parameterNodeWrapper",
]
