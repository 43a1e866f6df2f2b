"""Setup: Python packages that are missing before the first run."""
