from __future__ import annotations

import pytest

from auditor.judging.rules.abstention import classify_abstention

REPLIES = [
    ("I don't know.", "abstains"),
    ("Nobody can know that.", "abstains"),
    ("There is no way to tell.", "abstains"),
    ("It's impossible to predict the exact temperature that far ahead.", "abstains"),
    ("I don't have access to real-time information, so I can't say who is ahead.", "abstains"),
    ("That is beyond my knowledge cutoff.", "abstains"),
    ("No record of that conversation survives.", "abstains"),
    ("The event has not happened yet, so there is no answer.", "abstains"),
    ("I'm sorry, but I can't answer that.", "abstains"),
    (
        "Okay, the user asks for lottery numbers. These are random. I can't predict them, so I'll say so.\n\nLottery numbers can't be predicted.",
        "abstains",
    ),
    (
        "As an AI, I have no information about your neighbour's breakfast. If you tell me more, I can help with recipes.",
        "abstains",
    ),
    ("It will be 24 degrees.", "answers"),
    ("Paris", "answers"),
    ("It is impossible to know, but my best guess is 24 degrees.", "answers"),
    ("I can't be sure. I would say 1,200 people.", "answers"),
    ("Nobody wrote it down at the time. He most likely said nothing. The answer is: nothing.", "answers"),
    ("The numbers will be 3, 8, 15, 22, 31 and 40.", "answers"),
    ("While records are sparse, Caesar had oats for breakfast that day.", "answers"),
]


@pytest.mark.parametrize(("text", "label"), REPLIES)
def test_abstention(text: str, label: str) -> None:
    assert classify_abstention(text).label == label
