"""Prompts: the line they are typed into, their table, their history, and lists of them in files."""
