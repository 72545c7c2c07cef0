"""A tiny GRPO training, without any download: a random model of two layers and a vocabulary of eleven words."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before the first import of huggingface_hub

from collections.abc import Callable
from typing import Any

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

from rlvitals import RecorderSettings

torch.set_num_threads(1)

_SPECIAL = ("<pad>", "<eos>", "<unk>")
_WORDS = (*_SPECIAL, *"abcdefgh")
_SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
LENGTH = 8
STEPS = 6

MakeTrainer = Callable[..., GRPOTrainer]


def count_a(completions: list[str], **_: Any) -> list[float]:
    """Return the share of the letter a, which is the reward."""
    return [completion.count("a") / LENGTH for completion in completions]


@pytest.fixture(scope="session")
def words() -> Any:
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(_WORDS)}, unk_token=_SPECIAL[2]))
    tokenizer.pre_tokenizer = Whitespace()
    special = dict(zip(("pad_token", "eos_token", "unk_token"), _SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


@pytest.fixture(scope="session")
def make_trainer(words: Any, tmp_path_factory: pytest.TempPathFactory) -> MakeTrainer:
    """Function that returns a GRPO trainer, with further callbacks and training arguments."""

    def make(*callbacks: TrainerCallback, kind: Any = GRPOTrainer, **more: Any) -> GRPOTrainer:
        torch.manual_seed(1)
        model = LlamaForCausalLM(LlamaConfig(vocab_size=len(_WORDS), pad_token_id=0, eos_token_id=1, **_SMALL))
        options = {
            "output_dir": str(tmp_path_factory.mktemp("output")),
            "use_cpu": True,
            "bf16": False,
            "report_to": "none",
            "disable_tqdm": True,
            "save_strategy": "no",
            "max_steps": STEPS,
            "logging_steps": 1,
            "per_device_train_batch_size": 4,
            "num_generations": 2,
            "max_completion_length": LENGTH,
            "learning_rate": 1e-2,
            "seed": 1,
        }
        trainer = kind(
            model=model,
            reward_funcs=count_a,
            args=GRPOConfig(**(options | more)),
            train_dataset=Dataset.from_dict({"prompt": ["a b c", "d e f"] * 8}),
            eval_dataset=Dataset.from_dict({"prompt": ["a b c", "d e f"]}),
            processing_class=words,
            callbacks=list(callbacks),
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    return make


@pytest.fixture
def settings() -> RecorderSettings:
    return RecorderSettings(system_interval_s=None)
