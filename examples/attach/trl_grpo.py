"""GRPO of TRL with a random tiny model, on a task that rewards one letter."""

import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.trainer_callback import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

torch.manual_seed(33)
words = ["<pad>", "<eos>", "<unk>", *"abcdefgh"]
vocabulary = {word: index for index, word in enumerate(words)}
splitter = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
splitter.pre_tokenizer = Whitespace()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=splitter, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=1,
    )
)


def share_of_a(completions: list[str], **_: object) -> list[float]:
    """Return the share of the letter a in each completion."""
    return [text.count("a") / max(1, len(text.split())) for text in completions]


arguments = GRPOConfig(
    output_dir="grpo",
    per_device_train_batch_size=8,
    num_generations=4,
    max_completion_length=8,
    max_steps=20,
    learning_rate=5e-3,
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    disable_tqdm=True,
    use_cpu=True,
    bf16=False,
    seed=33,
)
trainer = GRPOTrainer(
    model=model,
    reward_funcs=share_of_a,
    args=arguments,
    train_dataset=Dataset.from_dict({"prompt": ["a b", "c d", "e f", "g h"] * 16}),
    processing_class=tokenizer,
)
trainer.remove_callback(PrinterCallback)  # it prints durations
trainer.train()
rewards = [row["reward"] for row in trainer.state.log_history if "reward" in row]
print(json.dumps({"updates": len(rewards), "rewards": sum(rewards)}))
