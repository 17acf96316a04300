"""What holds for all tests: no example of a property test has to be done in a given time, since machines are busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
