"""``python -m MedCLIPSegLab`` is the command ``medclipseg``."""

from .cli.app import main

main()
