"""What the module says of itself."""

from slicer.i18n import tr as _


def helpText() -> str:
    """The help at the top of the panel."""
    return _(
        "Segments what a typed prompt names and shows how sure the model is: a mask, a probability map and an "
        "uncertainty map for every prompt.<br><br>"
        "1. Load an image. 2. Type what to look for, for example <i>tumor in the brain MRI</i>, and press Enter. "
        "3. Move the threshold, look at the uncertainty in <i>Review</i>, mend the segment in <i>Correct</i>, and "
        "write it to files in <i>Export</i>.<br><br>"
        "For research only, not for clinical decisions."
    )


def acknowledgementText() -> str:
    """Where the method comes from."""
    return _(
        "Implements MedCLIPSeg (Koleilat et al., CVPR 2026, arXiv:2602.20423), the successor of MedCLIP-SAM "
        "(MICCAI 2024, arXiv:2403.20253) and MedCLIP-SAMv2 (arXiv:2409.19483). Please cite these papers."
    )
