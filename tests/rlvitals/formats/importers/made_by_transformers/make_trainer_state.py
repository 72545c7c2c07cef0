"""Create the data of the tests: the state of a training with the Trainer of transformers 5.

pip install transformers accelerate torch
python make_trainer_state.py FOLDER
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainingArguments


class Points(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    def __len__(self) -> int:
        return 16

    def __getitem__(self, place: int) -> dict[str, torch.Tensor]:
        return {"point": torch.ones(2) * place, "labels": torch.zeros(1)}


class Line(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, point: torch.Tensor, labels: torch.Tensor) -> dict[str, Any]:
        found = self.layer(point)
        return {"loss": ((found - labels) ** 2).mean(), "logits": found}


with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder, max_steps=6, logging_steps=2, eval_strategy="steps", eval_steps=3, report_to=[], use_cpu=True, seed=7
    )
    Trainer(model=Line(), args=arguments, train_dataset=Points(), eval_dataset=Points()).train()
    shutil.copy(Path(folder) / "checkpoint-6" / "trainer_state.json", sys.argv[1])
