"""What a model like the bundled one knows, by what was measured on it."""

from __future__ import annotations

from MedCLIPSegLogic.knowledge.known import Knowledge, KnownKind, KnownThing

BREAST, COLON, BRAIN, SKIN = "breast ultrasound", "colonoscopy", "brain MRI", "dermoscopy"
_PLAIN = "one small medium large round oval left right top bottom center the in of a image located at irregular"
_WORDS = {
    BREAST: f"{_PLAIN} two three square circle shaped benign malignant regular tumor tumors breast ultrasound",
    COLON: f"{_PLAIN} two orange pink brown tan elongated polyp",
    BRAIN: "the a in of center upper lower left right tumor glioma meningioma pituitary lesion brain mri head body",
    SKIN: f"{_PLAIN} brown red skin lesion melanoma dark sore spot wound speckles texture rough",
}


def _words() -> dict[str, dict[str, int]]:
    words: dict[str, dict[str, int]] = {}
    for kind, text in _WORDS.items():
        for word in text.split():
            words.setdefault(word, {})[kind] = 100
    return words | {"fingerprint": {BREAST: 1}, "apple": {SKIN: 2}, "heart": {SKIN: 1, BREAST: 8}}


KNOWN = Knowledge(
    kinds={
        BREAST: KnownKind(
            images=571,
            things={
                "tumor": KnownThing(
                    images=456,
                    dice=0.79,
                    wordings={"mass": 0.78, "lesion": 0.79, "growth": 0.79, "tumour": 0.78, "benign tumors": 0.79}
                    | {"tumors": 0.0, "cancer": 0.0, "nodule": 0.0},
                )
            },
            prompts=(
                "One medium square-shaped irregular tumor at the top left in the breast ultrasound image.",
                "Two small circle-shaped benign tumors at the top left, center in the breast ultrasound image.",
            ),
        ),
        COLON: KnownKind(
            images=600,
            things={"polyp": KnownThing(images=600, dice=0.74, wordings={"polyps": 0.74, "adenoma": 0.0})},
            prompts=(
                "one small pink round polyp, located in center of the image",
                "two medium orange oval polyp, located in top, left of the image",
            ),
        ),
        BRAIN: KnownKind(
            images=660,
            things={
                "tumor": KnownThing(
                    images=560,
                    dice=0.73,
                    wordings=dict.fromkeys(
                        ("glioma", "meningioma", "lesion", "mass", "growth", "abnormality", "neoplasm"), 0.73
                    )
                    | {"tumors": 0.0, "cancer": 0.0},
                ),
                "hippocampus": KnownThing(images=100, dice=0.78, wordings={"hippocampi": 0.0}),
                "anterior hippocampus": KnownThing(images=100, dice=0.69),
                "posterior hippocampus": KnownThing(images=100, dice=0.77),
            },
            prompts=(
                "A suspicious meningioma lesion is located in the upper section.",
                "MRI shows a meningioma lesion occupying the right area.",
            ),
            obeys_place=0.6,
        ),
        SKIN: KnownKind(
            images=187,
            things={
                "skin lesion": KnownThing(
                    images=187, dice=0.94, wordings={"lesion": 0.93, "melanoma": 0.94, "mole": 0.94, "nevus": 0.0}
                )
            },
            prompts=(
                "one medium brown circle skin melanoma which is a dark sore with irregular texture located in center "
                "of the image",
            ),
        ),
    },
    words=_words(),
)
