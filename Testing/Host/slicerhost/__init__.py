"""A small 3D Slicer for tests: the real MRML libraries and Qt, without the application.

`startApplication` makes ``slicer.app`` and its surroundings, `loadModule` opens a scripted module of this repository,
`resetApplication` brings everything back to the state after a start.
"""

from slicerhost.start import loadModule, openedModule, renderViews, resetApplication, startApplication

__all__ = ["loadModule", "openedModule", "renderViews", "resetApplication", "startApplication"]
