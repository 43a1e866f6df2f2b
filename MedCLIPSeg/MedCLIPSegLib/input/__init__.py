"""Input: which image, how much of it, and its gray values."""
