"""A trainer of nnU-Net that ends after so many steps; nnU-Net finds it by `nnUNet_extTrainer`, as it documents.

It runs under nnU-Net's Python, which has torch and nothing of Maskline.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

MOST_STEPS_AN_EPOCH = 10
LEAST_EPOCHS = 20


class BudgetTrainer(nnUNetTrainer):
    """Its own plan, network, loss, augmentation and optimizer; the rate falls to 0 with the last of the steps.

    In its favour nothing is spent on what chooses nothing: validation on what was learnt, plots, earlier checkpoints.
    """

    def __init__(self, plans, configuration, fold, dataset_json, device):
        super().__init__(plans, configuration, fold, dataset_json, device)
        steps = int(os.environ.get("MASKLINE_STEPS", "1"))
        self.num_iterations_per_epoch = min(MOST_STEPS_AN_EPOCH, max(1, steps // LEAST_EPOCHS))
        self.num_epochs = steps // self.num_iterations_per_epoch
        self.num_val_iterations_per_epoch = 1
        self.disable_checkpointing = True
        self.logger.plot_progress_png = lambda folder: None
        self._processor: list[float] = []
        self._began = 0.0

    def on_train_start(self):
        seed = int(os.environ["MASKLINE_SEED"])
        for draw_from in (random.seed, np.random.seed, torch.manual_seed):
            draw_from(seed)
        super().on_train_start()
        self._began = time.monotonic()

    def on_train_epoch_start(self):
        self._processor.append(time.process_time())
        super().on_train_epoch_start()

    def validation_step(self, batch):
        none = np.ones(len(self.label_manager.foreground_labels))
        return {"loss": np.zeros(()), "tp_hard": none, "fp_hard": none, "fn_hard": none}

    def on_train_end(self):
        self._processor.append(time.process_time())
        epochs = np.diff(self._processor)
        told = {
            "steps": self.num_epochs * self.num_iterations_per_epoch,
            "parameters": sum(weights.numel() for weights in self.network.parameters()),
            "seconds": time.monotonic() - self._began,
            "processor_seconds": float(epochs.sum()),
            # The first epoch warms up.
            "step": median(epochs[1:] if len(epochs) > 1 else epochs) / self.num_iterations_per_epoch,
        }
        self.disable_checkpointing = False
        super().on_train_end()
        (Path(self.output_folder) / "spent.json").write_text(json.dumps(told))

    def perform_actual_validation(self, save_probabilities=False):
        """None: there is nothing left that was not learnt."""
