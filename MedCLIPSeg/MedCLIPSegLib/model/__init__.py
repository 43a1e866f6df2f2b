"""Model: which one, its download, and the settings of the methods that need no training data."""
