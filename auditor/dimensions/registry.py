"""All dimensions by key, in the order in which every reader shows them."""

from __future__ import annotations

from auditor.dimensions.base import Dimension
from auditor.dimensions.bias import Bias
from auditor.dimensions.capability import Capability
from auditor.dimensions.ethics import Ethics
from auditor.dimensions.privacy import Privacy
from auditor.dimensions.robustness import Robustness
from auditor.dimensions.safety import Safety
from auditor.dimensions.toxicity import Toxicity

_DIMENSIONS: tuple[Dimension, ...] = (Safety(), Toxicity(), Bias(), Ethics(), Privacy(), Robustness(), Capability())

REGISTRY: dict[str, Dimension] = {dimension.key: dimension for dimension in _DIMENSIONS}
"""Keys and order are those of ``records.ALL_DIMENSIONS``."""


def rubrics(dimension: str, *, further: bool = False) -> tuple[str, ...]:
    """The rubrics that this dimension puts to its judge: those that scores hang on, or the further ones."""
    uses = (use for some in REGISTRY[dimension].uses.values() for use in some if use.further is further)
    return tuple(dict.fromkeys(use.rubric for use in uses))
