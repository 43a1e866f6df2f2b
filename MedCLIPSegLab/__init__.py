"""The researcher's workbench: command line, data sets, training, tuning, weak supervision, evaluation, speed.

It stands on the engine, ``MedCLIPSegLogic``, and is not part of the Slicer extension. Its functions are imported from
there: ``from MedCLIPSegLogic import train``.
"""
