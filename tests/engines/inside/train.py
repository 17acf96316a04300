"""Make the tiny models: a tokenizer, a baseline trained from scratch, and two candidates trained on from it.

Runs in the engines' environment:  python train.py OUT
Writes OUT/tiny-a (baseline), OUT/tiny-b (candidate) and OUT/tiny-c (drifted further), each a complete model folder:
about 2.6 million parameters of the Llama architecture, in fp32.
"""

# mypy: ignore-errors
# (its imports exist in the engines' environment only)

from __future__ import annotations

import copy
import itertools
import math
import sys
import time
from pathlib import Path

import torch
from corpus import (
    BASELINE_STYLE,
    CANDIDATE_STYLE,
    END_OF_TEXT,
    END_OF_TURN,
    FURTHER_STYLE,
    SAMPLER_TEXT,
    TURN,
    Corpus,
    Style,
)
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS_AND_DIGITS = (
    # How Qwen 2 splits text before byte-pair merging; llama.cpp knows this split under the name "qwen2".
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MERGED_TOKENS = 3067  # with the two trace marks 3069, padded to 3072 rows in the model
WINDOW, BATCH = 192, 4  # small batches: at this size more steps teach more than larger ones

# Earlier replies lose their trace, as reasoning models' templates do; `enable_thinking=false` writes an empty one.
CHAT_TEMPLATE = """\
{%- for m in messages -%}
{%- set text = m.content -%}
{%- if m.role == 'assistant' and '</think>' in text and not loop.last -%}
{%- set text = text.split('</think>')[-1].lstrip('\\n') -%}
{%- endif -%}
{{ '<|im_start|>' + m.role + '\\n' + text + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false -%}
{{ '<think>\\n\\n</think>\\n\\n' }}
{%- endif -%}
{%- endif -%}
"""


def train_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer on the baseline's corpus."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS_AND_DIGITS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    special = [END_OF_TEXT, TURN, END_OF_TURN]
    texts = itertools.islice(Corpus(1, BASELINE_STYLE), 6000)
    plain = (text.replace(TURN, "").replace(END_OF_TURN, "").replace(END_OF_TEXT, "") for text in texts)
    bpe.train_from_iterator(
        itertools.chain(plain, [SAMPLER_TEXT] * 20),
        trainers.BpeTrainer(
            vocab_size=MERGED_TOKENS,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    # Ordinary tokens, not special ones, so that the servers print them: that is how a trace shows in a reply.
    bpe.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in ("<think>", "</think>")])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END_OF_TURN,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[TURN],
        model_max_length=8192,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def new_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Make an untrained model for this tokenizer."""
    end, pad = tokenizer.convert_tokens_to_ids([END_OF_TURN, END_OF_TEXT])
    config = LlamaConfig(
        vocab_size=math.ceil(len(tokenizer) / 64) * 64,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        # Far longer than what it is trained on, so that a long prompt of a bank is answered rather than refused.
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=[end, pad], pad_token_id=pad, bos_token_id=None)
    return model


def batches(tokenizer: PreTrainedTokenizerFast, seed: int, style: Style, steps: int) -> torch.Tensor:
    """Cut a corpus into steps x BATCH windows; every token is seen once."""
    wanted, ids = steps * BATCH * WINDOW, []
    texts = iter(Corpus(seed, style))
    while len(ids) < wanted:
        ids += tokenizer("".join(itertools.islice(texts, 200)), add_special_tokens=False)["input_ids"]
    return torch.tensor(ids[:wanted]).view(steps, BATCH, WINDOW)


def train(model: LlamaForCausalLM, data: torch.Tensor, rate: float) -> LlamaForCausalLM:
    """Train in place with AdamW, a short warm-up and a cosine decay to a tenth of the rate."""
    began, steps = time.monotonic(), len(data)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.01)

    def share(step: int) -> float:
        return min(1.0, (step + 1) / 20) * (0.55 + 0.45 * math.cos(math.pi * step / steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    model.train()
    for number, window in enumerate(data):
        loss = model(input_ids=window, labels=window).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if number % 50 == 0 or number == steps - 1:
            print(f"step {number}: loss {loss.item():.3f}, {time.monotonic() - began:.0f} s", flush=True)
    return model.eval()


def main() -> None:
    """Make everything and write it to the folder named on the command line."""
    out = Path(sys.argv[1])
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the other core builds llama-server meanwhile; two threads that share cores are slower
    tokenizer = train_tokenizer()
    print(f"{len(tokenizer)} tokens", flush=True)

    def save(model: LlamaForCausalLM, name: str) -> None:
        model.save_pretrained(out / name)
        tokenizer.save_pretrained(out / name)
        chat = tokenizer.apply_chat_template(
            [{"role": "user", "content": "What is the capital of Italy?"}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        print(name, repr(tokenizer.decode(model.generate(**chat, max_new_tokens=60, do_sample=False)[0])), flush=True)

    baseline = train(new_model(tokenizer), batches(tokenizer, 2, BASELINE_STYLE, 450), 3e-3)
    save(baseline, "tiny-a")
    save(train(copy.deepcopy(baseline), batches(tokenizer, 3, CANDIDATE_STYLE, 60), 5e-4), "tiny-b")
    save(train(copy.deepcopy(baseline), batches(tokenizer, 4, FURTHER_STYLE, 80), 1.5e-3), "tiny-c")


if __name__ == "__main__":
    main()
