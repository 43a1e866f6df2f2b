"""The panel: `Panel` and a room for each part of it, on `MedCLIPSegLogic`, which knows the scene and no widget."""

import sys
from pathlib import Path

# Once built or installed, MedCLIPSegLogic lies beside MedCLIPSeg.py. In a source tree it lies one level higher,
# in the repository root, which Slicer does not put on the path.
_sourceRoot = Path(__file__).resolve().parents[2]
if (_sourceRoot / "MedCLIPSegLogic" / "__init__.py").exists() and str(_sourceRoot) not in sys.path:
    sys.path.append(str(_sourceRoot))
