"""``python -m MedCLIPSegLogic`` is the command ``medclipseg``."""

from .cli.app import main

main()
