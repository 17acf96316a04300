"""Which family of models a name belongs to: a judge favours its own kin, so it may not judge them unasked.

Self-preference persists even with binary, objective rubrics (arXiv 2604.06996). A distilled model belongs to two families:
that of its weights and that of its teacher.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

_FAMILIES: Final = MappingProxyType(
    {
        "llama": r"llama|vicuna|alpaca|tulu|hermes|nemotron|guanaco|koala|orca-2|zephyr-llama|sonar",
        "qwen": r"qwen|qwq|qvq|marco-o1|openthinker|bespoke-stratos|sky-t1|s1(?:\.1)?-(?:3|7|14|32)b|skywork-o1|light-r1|simplescaling",
        "gpt": r"gpt(?![-_]?(?:j|neo))|chatgpt|davinci|codex|openai",
        "claude": r"claude|anthropic",
        "gemini": r"gemini|gemma|palm-2|bard|google|medgemma|shieldgemma",
        "mistral": r"mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral|mathstral|zephyr(?!-llama)|openhermes|starling",
        "deepseek": r"deepseek|ds-r1|r1-distill|open-r1|openthinker|bespoke-stratos|light-r1",
        "phi": r"phi[-_.]?[1-9]|phi-?mini|phi-?silica",
        "grok": r"grok|x-ai|xai",
        "glm": r"glm|zhipu|zai-org|chatglm|z1-(?:air|9b|32b)",
        "kimi": r"kimi|moonshot|moonlight",
        "command": r"command-?[ra]|command(?=$|[-:])|cohere|aya-|c4ai",
        "olmo": r"olmo|allenai",
        "granite": r"granite",
        "yi": r"01-ai|yi-(?:\d|coder|vl|large|lightning|1\.5)",
        "falcon": r"falcon",
        "nova": r"nova-(?:micro|lite|pro|premier)",
        "minimax": r"minimax|abab",
        "ernie": r"ernie",
        "hunyuan": r"hunyuan",
        "smollm": r"smollm|smol-?lm",
        "exaone": r"exaone",
        "internlm": r"internlm",
        "seed": r"doubao|seed-(?:oss|thinking)|seed1",
    }
)
_PATTERNS: Final = {
    family: re.compile(rf"(?<![a-z0-9])(?:{pattern})", re.IGNORECASE) for family, pattern in _FAMILIES.items()
}
# What a name's first word does not say: bare reasoning models, and the tags under which distills are served.
_ALSO: Final = (
    (re.compile(r"(?:^|[/:])o[134](?=$|[-:@. ])", re.IGNORECASE), ("gpt",)),
    (re.compile(r"deepseek-r1-0528-qwen|deepseek-r1:(?:1\.5b|7b|14b|32b)", re.IGNORECASE), ("qwen",)),
    (re.compile(r"deepseek-r1:70b", re.IGNORECASE), ("llama",)),
    (re.compile(r"deepseek-r1:(?:8b|latest)", re.IGNORECASE), ("llama", "qwen")),
)


def families(name: str) -> frozenset[str]:
    """The families that a model's name shows, lower case; empty for a name that shows none.

    Raises nothing: an unknown name is no family, and only the same name again is the same model (see :func:`kin`).
    """
    found = {family for family, pattern in _PATTERNS.items() if pattern.search(name)}
    for pattern, more in _ALSO:
        if pattern.search(name):
            found.update(more)
    return frozenset(found)


def kin(judge: Iterable[str], models: Iterable[str]) -> str:
    """Why a judge is kin to the models that it is to judge, as the end of a sentence; "" if it is not.

    Both go by all names that are known of them: as the plan calls them, and as their servers do.
    """
    judges, others = [name for name in judge if name], [name for name in models if name]
    for own in judges:
        for other in others:
            if own.strip().lower() == other.strip().lower():
                return f"it is {other} itself"
            if common := families(own) & families(other):
                return f"{own} and {other} are both of the {min(common)} family"
    return ""
