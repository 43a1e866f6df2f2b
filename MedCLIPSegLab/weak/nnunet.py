"""The weak stage of MedCLIP-SAMv2 (arXiv 2409.19483): nnU-Net, trained in cycles, as an ensemble of its own past."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file

from MedCLIPSegLogic.files.json_reading import read_json
from MedCLIPSegLogic.files.replacing import write_json
from MedCLIPSegLogic.inference.device import choose_device
from MedCLIPSegLogic.inference.request import Device

from ..training.request import STATE_FILE
from .nnunet_dataset import DATASET_FILE, DATASET_ID, DATASET_NAME, network_image, write_nnunet_dataset
from .prediction import Predictor
from .reporting import Report, WeakProgress
from .settings import CyclicTraining, snapshot_path

TRAINER = "CyclicTrainer"
CONFIGURATION = "2d"
FOLD = "all"
PLANS_FILE = "nnUNetPlans.json"
PREPARED_FILE = "prepared.json"
LOG_FILE = "nnunet.log"
RAW, PREPROCESSED, RESULTS = "raw", "preprocessed", "results"
PICTURE_SPACING = {"spacing": (999, 1, 1)}
"""As nnU-Net's reader of pictures tells it."""


class NnUNet:
    """nnU-Net on one training set, in a folder of its own; every part goes on where it was interrupted.

    Args:
        folder: for raw and preprocessed data, weights and log.
        training: how long, at which rates, what to keep.
        image_size: side of the images it sees.
        device: where to compute.
        workers: processes that prepare data.
    """

    def __init__(self, folder: Path, training: CyclicTraining, image_size: int, device: Device, workers: int) -> None:
        self._folder, self._training, self._size = folder, training, image_size
        self._device, self._workers = choose_device(device), workers

    def prepare(self, source: Path, report: Report) -> None:
        """Write the data set and have nnU-Net plan and preprocess it.

        Args:
            source: training set in MedCLIPSeg's layout.
            report: called after every image.
        """
        if (self._folder / PREPARED_FILE).is_file():
            return
        write_nnunet_dataset(
            source,
            self._folder / RAW,
            self._size,
            lambda number, count: report(WeakProgress("preparing", number, count, "data for nnU-Net")),
        )
        # Planning takes the number for that of threads, of which it needs one.
        with self._environment(max(1, self._workers)):
            from nnunetv2.experiment_planning import plan_and_preprocess_api as api

            workers = max(1, self._workers)
            api.extract_fingerprint_dataset(DATASET_ID, num_processes=workers, show_progress_bar=False)
            api.plan_experiment_dataset(DATASET_ID)
            api.preprocess_dataset(
                DATASET_ID, configurations=(CONFIGURATION,), num_processes=(workers,), show_progress_bar=False
            )
        write_json(self._folder / PREPARED_FILE, {"image_size": self._size})

    def train(self, seed: int, report: Report) -> None:
        """Train to the last epoch.

        Args:
            seed: of the weights; the order of the images depends on nnU-Net's processes.
            report: called after every epoch.
        """
        if all(path.is_file() for path in self._snapshots()):
            return
        epochs, output = self._training.epochs, sys.stdout

        def on_epoch(epoch: int, loss: float, dice: float) -> None:
            detail = f"loss {loss:.3f}, Dice with pseudo-masks {dice:.3f}"
            with redirect_stdout(output):
                report(WeakProgress("training", epoch, epochs, detail))

        with self._environment(self._workers):
            from .nnunet_trainer import CyclicTrainer

            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # what nnU-Net draws from
            plans, dataset = self._plans()
            trainer = CyclicTrainer({**plans, "continue_training": False}, CONFIGURATION, FOLD, dataset, self._device)
            trainer.follow(self._training, on_epoch)
            if (Path(trainer.output_folder) / STATE_FILE).is_file():
                trainer.resume()
            trainer.run_training()

    def predictor(self) -> Predictor:
        """The ensemble of all kept weights: mean of their probabilities, with mirroring as nnU-Net does it."""

        def predict(images: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
            inputs = [network_image(image, self._size) for image in images]
            for image, mean in zip(images, self._mean_probabilities(inputs), strict=True):
                height, width = image.shape[:2]
                restored = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
                yield np.clip(restored, 0, 1).astype(np.float32)

        return predict

    def _mean_probabilities(self, inputs: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Mean over the ensemble (S, S) of the foreground's softmax, of images (S, S, 3)."""
        sums = [np.zeros(image.shape[:2], np.float64) for image in inputs]
        snapshots = self._snapshots()
        with self._environment(self._workers):
            network = self._network(_mirroring_axes(snapshots[0]))
            for snapshot in snapshots:
                network.list_of_parameters = [load_file(snapshot)]
                for total, image in zip(sums, inputs, strict=True):
                    channels = image.transpose(2, 0, 1)[:, None].astype(np.float32)
                    _, probabilities = network.predict_single_npy_array(
                        channels, dict(PICTURE_SPACING), save_or_return_probabilities=True
                    )
                    total += probabilities[1, 0]
        return [(total / len(snapshots)).astype(np.float32) for total in sums]

    def _network(self, mirroring_axes: tuple[int, ...] | None) -> Any:
        """nnU-Net's predictor, still without weights."""
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
        from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        from .nnunet_trainer import CyclicTrainer

        plans, dataset = self._plans()
        manager = PlansManager(plans)
        configuration = manager.get_configuration(CONFIGURATION)
        network = CyclicTrainer.build_network_architecture(
            manager,
            configuration,
            determine_num_input_channels(manager, configuration, dataset),
            manager.get_label_manager(dataset).num_segmentation_heads,
            enable_deep_supervision=False,
        )
        predictor = nnUNetPredictor(device=self._device, allow_tqdm=False)
        predictor.manual_initialization(
            network.to(self._device), manager, configuration, None, dataset, TRAINER, mirroring_axes
        )
        return predictor

    def _plans(self) -> tuple[dict[str, Any], dict[str, Any]]:
        folder = self._folder / PREPROCESSED / DATASET_NAME
        return read_json(folder / PLANS_FILE), read_json(folder / DATASET_FILE)

    def _snapshots(self) -> list[Path]:
        plans = Path(PLANS_FILE).stem
        folder = self._folder / RESULTS / DATASET_NAME / f"{TRAINER}__{plans}__{CONFIGURATION}"
        return [snapshot_path(folder / f"fold_{FOLD}", epoch) for epoch in self._training.kept_epochs]

    @contextmanager
    def _environment(self, workers: int) -> Iterator[None]:
        """Tell nnU-Net its folders in the only way it listens to, and put what it prints into the log."""
        wanted = {
            "nnUNet_raw": str(self._folder / RAW),
            "nnUNet_preprocessed": str(self._folder / PREPROCESSED),
            "nnUNet_results": str(self._folder / RESULTS),
            "nnUNet_n_proc_DA": str(workers),
            "nnUNet_def_n_proc": str(max(1, workers)),
        }
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with (self._folder / LOG_FILE).open("a", encoding="utf-8") as log, redirect_stdout(log):
                yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _mirroring_axes(snapshot: Path) -> tuple[int, ...] | None:
    with safe_open(snapshot, framework="pt") as file:
        axes = json.loads(file.metadata()["mirroring_axes"])
    return None if axes is None else tuple(axes)
