"""What many slices, prompts and runs cost. Run as a script, it prints the record as JSON."""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
import unicodedata
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from MedCLIPSegLab.results.headless_scene import create_scene
from MedCLIPSegLab.results.segmenting import segment
from MedCLIPSegLab.speed.machine import describe_machine, in_new_process
from MedCLIPSegLogic.errors import MedCLIPSegError
from MedCLIPSegLogic.inference.engine import run
from MedCLIPSegLogic.inference.request import SegmentationRequest
from MedCLIPSegLogic.inference.result import MAX_ENTROPY, SegmentationResult, to_the_end
from MedCLIPSegLogic.model.catalog import FIRST_MODEL
from MedCLIPSegLogic.model.library import load_model
from MedCLIPSegLogic.scene.result_writer import write_result
from MedCLIPSegLogic.scene.segmentation import find_segmentation
from MedCLIPSegLogic.scene.volumes import add_volume_node
from MedCLIPSegLogic.volumes.image_writing import write_image
from MedCLIPSegLogic.volumes.volume import Volume

SHAPE = (300, 512, 512)
ORGANS = ("liver", "spleen", "left kidney", "right kidney", "heart", "lung")
SAMPLES = 1
RUNS, FUZZED = 200, 1000
SEED = 16


def a_ct() -> Volume:
    """A body with a spine, lungs and noise, int16 in Hounsfield units, 512 × 512 × 300 voxels."""
    k, j, i = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    voxels = np.full(SHAPE, -1000, np.int16)
    voxels[np.broadcast_to(((j - 256) / 170) ** 2 + ((i - 256) / 220) ** 2 < 1, SHAPE)] = 40
    for side in (-1, 1):
        lung = ((k - 200) / 90) ** 2 + ((j - 240) / 110) ** 2 + ((i - 256 - 95 * side) / 70) ** 2 < 1
        voxels[lung] = -850
    voxels[np.broadcast_to(((j - 370) / 30) ** 2 + ((i - 256) / 30) ** 2 < 1, SHAPE)] = 700
    noise = np.random.default_rng(SEED)
    for plane in voxels:
        plane += noise.normal(0, 12, plane.shape).astype(np.int16)
    return Volume(voxels, np.diag([0.8, 0.8, 1.0, 1.0]), "ct")


def write_ct(file: Path) -> None:
    """Write the CT."""
    volume = a_ct()
    write_image(volume.voxels, volume.ijk_to_ras, file)


def ct_cost(image: Path, prompt_count: int, maps: bool, slices: int, samples: int) -> dict[str, Any]:
    """Segment the middle slices of the CT to a folder of results, as the command line does.

    Returns:
        Seconds a slice of all prompts together, and those of reading and writing files; or the refusal.
    """
    prompts = [f"{ORGANS[number % len(ORGANS)]} {number}" for number in range(prompt_count)]
    with tempfile.TemporaryDirectory(prefix="medclipseg-scale-") as folder:
        started = time.perf_counter()
        first = (SHAPE[0] - slices) // 2
        try:
            record = segment(
                image,
                prompts,
                Path(folder) / "out",
                samples=samples,
                maps=maps,
                slices=(first, first + slices),
                device="cpu",
            ).record
        except MedCLIPSegError as error:
            return {"refused": str(error)}
        seconds = time.perf_counter() - started
    return {
        "seconds_per_slice": record["seconds"] / slices,
        "seconds_of_files": seconds - record["seconds"],
        "voxels_found": sum(entry["voxels"] for entry in record["results"]),
    }


def fuzzed_prompts(count: int) -> list[str]:
    """Prompts of words, marks and letters of all scripts, no two alike; the first ones differ in spaces and case."""
    random = np.random.default_rng(SEED)
    assigned = [chr(code) for code in range(32, 0x30000) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")]
    words = [*ORGANS, "tumor", "&lt;b&gt;", "%s", "{}", "../..", "$x$", "NULL", "‘lesion’", "a" * 300]
    prompts = ["liver", " liver", "liver ", "Liver", "LIVER", "li ver", "liver\n", "liver.", "liver/", "liver (2)"]
    while len(prompts) < count:
        parts = [str(random.choice(words)) for _ in range(random.integers(0, 4))]
        parts += ["".join(random.choice(assigned, random.integers(1, 12)))]
        prompt = str(random.choice([" ", "", "\t", ","])).join(random.permutation(parts))
        if prompt.strip() and prompt not in prompts:
            prompts.append(prompt)
    return prompts


def fuzz() -> dict[str, Any]:
    """A thousand prompts, those with a word or letter the model knows in one run and in one scene."""
    random = np.random.default_rng(SEED)
    picture = Volume(random.integers(0, 255, (1, 64, 64), np.uint8), np.diag([-1.0, -1.0, 1.0, 1.0]), "picture")
    model = load_model(FIRST_MODEL)
    understood, refused = [], 0
    for prompt in fuzzed_prompts(FUZZED):
        try:
            model.tokenizer([prompt])
            understood.append(prompt)
        except MedCLIPSegError:
            refused += 1
    request = SegmentationRequest(volume=picture, prompts=tuple(understood), samples=2, device="cpu")
    result = to_the_end(run(model, request))
    session = create_scene()
    node = add_volume_node(session.scene, picture)
    written = write_result(session.scene, node, result)
    segmentation = written.segmentation.GetSegmentation()
    names = [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]
    return {
        "prompts": FUZZED,
        "refused": refused,
        "segments": len(names),
        "distinct_names": len(set(names)),
        "not_finite_or_out_of_range": sum(not _is_sound(result, number) for number in range(len(result.prompts))),
    }


def _is_sound(result: SegmentationResult, number: int) -> bool:
    prompt = result.prompts[number]
    limits = ((prompt.probability, 1.0), (prompt.uncertainty, MAX_ENTROPY), (prompt.mutual_information, MAX_ENTROPY))
    return all(np.isfinite(v).all() and v.min() >= 0 and v.max() <= most + 1e-6 for v, most in limits if v is not None)


def many_runs() -> dict[str, Any]:
    """Memory and MRML nodes over many runs of the same prompts in one process and one scene."""
    random = np.random.default_rng(SEED)
    volume = Volume(random.normal(size=(4, 128, 128)).astype(np.float32), np.eye(4), "volume")
    model = load_model(FIRST_MODEL)
    session = create_scene()
    node = add_volume_node(session.scene, volume)
    process = psutil.Process()
    memory, nodes = [], []
    for number in range(RUNS):
        request = SegmentationRequest(volume=volume, prompts=("tumor", "kidney"), samples=3, seed=number, device="cpu")
        result = to_the_end(run(model, request))
        write_result(session.scene, node, result, find_segmentation(session.scene, node))
        del result
        gc.collect()
        memory.append(process.memory_info().rss / 2**20)
        nodes.append(session.scene.GetNumberOfNodes())
    return {
        "runs": RUNS,
        "mb_after_20_100_200": [memory[19], memory[99], memory[199]],
        "nodes_after_1_100_200": [nodes[0], nodes[99], nodes[199]],
    }


def record(slices: int) -> dict[str, Any]:
    """All of it, each part in a process of its own; a hundred prompts and more on a tenth of the slices.

    Args:
        slices: of the CT that are segmented.
    """
    import torch

    rows = []
    with tempfile.TemporaryDirectory(prefix="medclipseg-scale-") as folder:
        image = Path(folder) / "ct.nrrd"
        in_new_process(write_ct, image)
        for prompts, maps in ((1, True), (6, True), (100, True), (1, False), (6, False), (100, False), (1000, False)):
            few = slices if prompts < 100 else max(1, slices // 10)
            cost, peak = in_new_process(ct_cost, image, prompts, maps, few, SAMPLES)
            rows.append({"prompts": prompts, "maps": maps, "slices": few, "peak_mb": peak / 2**20, **cost})
            print(json.dumps(rows[-1]), file=sys.stderr)
    return {
        "machine": describe_machine(torch.device("cpu")),
        "ct": {"voxels": list(SHAPE[::-1]), "samples": SAMPLES, "image_mb": prod(SHAPE) * 2 / 2**20, "rows": rows},
        "fuzzed_prompts": in_new_process(fuzz)[0],
        "many_runs": in_new_process(many_runs)[0],
    }


if __name__ == "__main__":
    print(json.dumps(record(int(sys.argv[1]) if len(sys.argv) > 1 else SHAPE[0]), indent=2))
