"""Export: results into files and training sets."""
