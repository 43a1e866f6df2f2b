"""What the chosen model knows: its list in sight, and prompts out of it."""
