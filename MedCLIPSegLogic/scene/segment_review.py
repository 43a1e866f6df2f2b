"""A person's review of a segment, kept in the tags of the segment."""

from __future__ import annotations

from ..desk.review import Review, review_from
from ..desk.standing import Standing
from .nodes import SegmentationNode, VolumeNode
from .segmentation import run_segments, segment_mask
from .tags import PREFIX, encode, expected_dice_of, mask_hash, segment_record, verdict_of

_TAGS = {
    "state": "ReviewState",
    "reviewer": "Reviewer",
    "time": "ReviewTime",
    "note": "ReviewNote",
    "mask": "ReviewMask",
}


def write_review(segmentation_node: SegmentationNode, segment_id: str, review: Review) -> None:
    """Leave a review on a segment instead of the one that is there."""
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    for name, text in review.record().items():
        segment.SetTag(PREFIX + _TAGS[name], encode(text))


def review_of(segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode) -> Review | None:
    """Return what was said last of a segment as it is now; None without a word, or when the mask was changed since.

    A judgment that was taken back is a review, too, of the state "unreviewed".

    Raises:
        MedCLIPSegError: a segment with a review has no binary labelmap.
    """
    record = segment_record(segmentation_node.GetSegmentation().GetSegment(segment_id))
    review = review_from({name: record.get(tag, "") for name, tag in _TAGS.items()})
    if review is None or review.mask != mask_fingerprint(segmentation_node, segment_id, volume_node):
        return None
    return review


def mask_fingerprint(segmentation_node: SegmentationNode, segment_id: str, volume_node: VolumeNode) -> str:
    """Tell the mask of a segment from every other.

    Raises:
        MedCLIPSegError: no such segment, or it has no binary labelmap.
    """
    return mask_hash(segment_mask(segmentation_node, segment_id, volume_node))


def standings_of(segmentation_node: SegmentationNode, volume_node: VolumeNode) -> dict[str, Standing]:
    """Return what the segments of runs carry, by prompt; of several segments of one prompt the last counts.

    Raises:
        MedCLIPSegError: a segment has no binary labelmap.
    """
    found: dict[str, Standing] = {}
    for segment_id, segment, record in run_segments(segmentation_node):
        review, verdict = review_of(segmentation_node, segment_id, volume_node), verdict_of(segment)
        found[record["Prompt"]] = Standing(
            mask=mask_fingerprint(segmentation_node, segment_id, volume_node),
            verdict=verdict.kind if verdict is not None else None,
            expected_dice=expected_dice_of(record),
            reviews=(review,) if review is not None else (),
        )
    return found
