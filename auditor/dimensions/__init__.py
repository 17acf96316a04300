"""The six trustworthiness dimensions and capability: what is asked, how it is scored, what is reported beside it."""

from __future__ import annotations

from auditor.dimensions.base import BaseDimension, Dimension, Reading, Use, figures
from auditor.dimensions.metrics import Measure, Row, SecondaryMetric
from auditor.dimensions.registry import REGISTRY, rubrics

__all__ = [
    "REGISTRY",
    "BaseDimension",
    "Dimension",
    "Measure",
    "Reading",
    "Row",
    "SecondaryMetric",
    "Use",
    "figures",
    "rubrics",
]
