"""The words for what evidence shows."""

from enum import StrEnum


class Decision(StrEnum):
    """What the evidence shows about one metric. INCONCLUSIVE is an answer: it never stands for "no harm seen"."""

    PRESERVED = "PRESERVED"
    REGRESSED = "REGRESSED"
    IMPROVED = "IMPROVED"
    INCONCLUSIVE = "INCONCLUSIVE"
