"""A stand-in for the package nnunetv2: the calls that are made of it, over one small layer."""

from __future__ import annotations

import json
import os
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

DATASET = "Dataset001_Weak"


class Logger:
    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {"train_losses": [], "mean_fg_dice": [], "lrs": []}

    def get_value(self, key: str, step: int) -> Any:
        return self.values[key][step]

    def get_checkpoint(self) -> dict[str, list[Any]]:
        return self.values

    def load_checkpoint(self, values: dict[str, list[Any]]) -> None:
        self.values = values


class Trainer:
    """Steps of nnU-Net's trainer in their order; the gradient of each step is 1."""

    def __init__(self, plans: dict, configuration: str, fold: str, dataset_json: dict, device: torch.device) -> None:
        assert plans["continue_training"] is False
        name = f"{type(self).__name__}__nnUNetPlans__{configuration}"
        self.output_folder = str(Path(os.environ["nnUNet_results"]) / DATASET / name / f"fold_{fold}")  # noqa: SIM112
        Path(self.output_folder).mkdir(parents=True, exist_ok=True)
        self.device, self.logger = device, Logger()
        self.num_epochs, self.current_epoch, self._best_ema = 1000, 0, None
        self.was_initialized, self.grad_scaler, self.inference_allowed_mirroring_axes = False, None, None

    @staticmethod
    def build_network_architecture(*_: Any, enable_deep_supervision: bool) -> nn.Module:
        return nn.Linear(1, 1)

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, None]:
        return torch.optim.SGD(self.network.parameters(), 0.01, momentum=0.99, nesterov=True), None

    def initialize(self) -> None:
        self.network = nn.Linear(1, 1)
        nn.init.zeros_(self.network.weight)
        nn.init.zeros_(self.network.bias)
        self.optimizer, self.lr_scheduler = self.configure_optimizers()
        self.was_initialized = True

    def run_training(self) -> None:
        if not self.was_initialized:
            self.initialize()
        self.inference_allowed_mirroring_axes = (0, 1)
        for _ in range(self.current_epoch, self.num_epochs):
            self.lr_scheduler.step(self.current_epoch)
            self.logger.values["lrs"].append(self.optimizer.param_groups[0]["lr"])
            for _ in range(self.num_iterations_per_epoch):
                for parameter in self.network.parameters():
                    parameter.grad = torch.full_like(parameter, -1)
                self.optimizer.step()
            self.on_epoch_end()
        self.current_epoch -= 1
        self.save_checkpoint(str(Path(self.output_folder) / "checkpoint_final.pth"))

    def on_epoch_end(self) -> None:
        print("chatter of nnU-Net")
        self.logger.values["train_losses"].append(np.float32(1 / (self.current_epoch + 1)))
        self.logger.values["mean_fg_dice"].append(np.float32(0.5))
        if (self.current_epoch + 1) % self.save_every == 0 and self.current_epoch != self.num_epochs - 1:
            self.save_checkpoint(str(Path(self.output_folder) / "checkpoint_latest.pth"))
        self._best_ema = np.float32(0.5)
        self.save_checkpoint(str(Path(self.output_folder) / "checkpoint_best.pth"))
        self.current_epoch += 1


class Predictor:
    """The foreground's probability is the red channel by 255, times the first weight of the network."""

    def __init__(self, device: torch.device, allow_tqdm: bool) -> None:
        self.list_of_parameters: list[dict[str, torch.Tensor]] = []

    def manual_initialization(self, *arguments: Any) -> None:
        assert arguments[-1] == (0, 1)

    def predict_single_npy_array(
        self, image: np.ndarray, properties: dict, save_or_return_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        assert image.shape[:2] == (3, 1)
        [weights] = self.list_of_parameters
        foreground = image[0] / 255 * float(weights["weight"][0, 0])
        return foreground > 0.5, np.stack([1 - foreground, foreground])


class Manager:
    num_segmentation_heads = 2

    def __init__(self, plans: dict) -> None: ...

    def get_configuration(self, name: str) -> str:
        return name

    def get_label_manager(self, dataset: dict) -> Manager:
        return self


def plan(dataset_id: int) -> None:
    folder = Path(os.environ["nnUNet_preprocessed"]) / DATASET  # noqa: SIM112
    folder.mkdir(parents=True)
    (folder / "nnUNetPlans.json").write_text(json.dumps({"dataset_name": DATASET}))
    raw = Path(os.environ["nnUNet_raw"]) / DATASET / "dataset.json"  # noqa: SIM112
    (folder / "dataset.json").write_text(raw.read_text())


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put it in the place of the package until the test ends."""
    contents: dict[str, dict[str, Any]] = {
        "training.nnUNetTrainer.nnUNetTrainer": {"nnUNetTrainer": Trainer},
        "inference.predict_from_raw_data": {"nnUNetPredictor": Predictor},
        "utilities.label_handling.label_handling": {"determine_num_input_channels": lambda *_: 3},
        "utilities.plans_handling.plans_handler": {"PlansManager": Manager},
        "experiment_planning.plan_and_preprocess_api": {
            "extract_fingerprint_dataset": lambda *_, **__: None,
            "plan_experiment_dataset": plan,
            "preprocess_dataset": lambda *_, **__: None,
        },
    }
    for dotted, names in contents.items():
        parts = ["nnunetv2", *dotted.split(".")]
        for length in range(1, len(parts) + 1):
            full = ".".join(parts[:length])
            if full not in sys.modules or length == len(parts):
                module = types.ModuleType(full)
                module.__path__ = []  # type: ignore[attr-defined]
                module.__spec__ = ModuleSpec(full, None, is_package=True)
                monkeypatch.setitem(sys.modules, full, module)
                if length > 1:
                    setattr(sys.modules[".".join(parts[: length - 1])], parts[length - 1], module)
        for name, value in names.items():
            setattr(sys.modules[".".join(parts)], name, value)
    # The subclass must be made of the stand-in, and not be left for others.
    monkeypatch.delitem(sys.modules, "MedCLIPSegLab.weak.nnunet_trainer", raising=False)
