"""Correct: the segment editor with its undo, and who notices that a person used it."""
