"""Segmentation from a prompt without training data: saliency, coarse mask, prompts for SAM."""
