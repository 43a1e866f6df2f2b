"""Downloads a small model in a process of its own: ``python download_once.py ENDPOINT``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from published_files import SMALL
from small_zoo import ENTRY

from MedCLIPSegLogic.zoo import importing
from MedCLIPSegLogic.zoo.download import download

importing.FLAVORS = SMALL
for _step in download(ENTRY, True, endpoint=sys.argv[1]):
    pass
