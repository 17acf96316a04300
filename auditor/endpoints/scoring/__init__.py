"""Scoring given text: which servers can, and how (docs/endpoints.md)."""

from auditor.endpoints.scoring.base import Known, Prefix, Sampled, ScoreProtocol, Scorer, Server, Spent, Targets
from auditor.endpoints.scoring.completions import CompletionsScorer
from auditor.endpoints.scoring.hosted import FireworksScorer, TogetherScorer
from auditor.endpoints.scoring.llama_cpp import LlamaCppScorer
from auditor.endpoints.scoring.prefill import PrefillScorer
from auditor.endpoints.scoring.probe import FINGERPRINT_TEXT, SCORING_MAX_CALLS, find_scorer, fingerprint
from auditor.endpoints.scoring.sglang import SglangScorer
from auditor.endpoints.scoring.tgi import TgiScorer

__all__ = [
    "FINGERPRINT_TEXT",
    "SCORING_MAX_CALLS",
    "CompletionsScorer",
    "FireworksScorer",
    "Known",
    "LlamaCppScorer",
    "PrefillScorer",
    "Prefix",
    "Sampled",
    "ScoreProtocol",
    "Scorer",
    "Server",
    "SglangScorer",
    "Spent",
    "Targets",
    "TgiScorer",
    "TogetherScorer",
    "find_scorer",
    "fingerprint",
]
