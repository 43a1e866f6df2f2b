"""Reviewing many cases: states of review, the file that people share them in, and lists of cases."""
