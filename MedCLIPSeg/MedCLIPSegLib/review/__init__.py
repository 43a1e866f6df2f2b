"""Review: threshold, map over the images, and tables of segments and slices."""
