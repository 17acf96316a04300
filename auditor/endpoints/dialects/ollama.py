"""Ollama's OpenAI layer. It sets temperature and top_p to 1 but keeps top_k at 40 and has no field to change that here:
put ``PARAMETER top_k 0`` into the model's Modelfile to sample from the whole distribution.
"""

from __future__ import annotations

from auditor.endpoints.dialects.base import Dialect

DIALECT = Dialect(
    name="ollama",
    title="Ollama",
    reasoning="effort",
    owned_by=("library",),
    version_at=("/api/version", "version"),
    ports=(11434,),
    fingerprint=r"fp_ollama",
)
