"""A synthetic pair and judge with planted truth, behind the OpenAI wire format. Nothing it says is a model's words."""

from auditor.simulator.app import MODELS, OWNER, build_app
from auditor.simulator.distributions import (
    context_bytes,
    exact_first_token_kl,
    first_token_logprobs,
    kl,
    render,
    render_ids,
)
from auditor.simulator.faults import FAULT_KINDS, Faults
from auditor.simulator.reference import Form, form_of, mark
from auditor.simulator.replies import Author, PlantedReply
from auditor.simulator.serve import serve, serving
from auditor.simulator.truth import (
    BASELINE_MODEL,
    CANDIDATE_MODEL,
    JUDGE_MODEL,
    MODEL_OF,
    PRESETS,
    BySide,
    PlantedTruth,
    Serving,
    all_worse,
    better,
    demo,
    none,
    one_worse,
    preset,
)
from auditor.simulator.vocabulary import VOCABULARY, Token

__all__ = [
    "BASELINE_MODEL",
    "CANDIDATE_MODEL",
    "FAULT_KINDS",
    "JUDGE_MODEL",
    "MODELS",
    "MODEL_OF",
    "OWNER",
    "PRESETS",
    "VOCABULARY",
    "Author",
    "BySide",
    "Faults",
    "Form",
    "PlantedReply",
    "PlantedTruth",
    "Serving",
    "Token",
    "all_worse",
    "better",
    "build_app",
    "context_bytes",
    "demo",
    "exact_first_token_kl",
    "first_token_logprobs",
    "form_of",
    "kl",
    "mark",
    "none",
    "one_worse",
    "preset",
    "render",
    "render_ids",
    "serve",
    "serving",
]
