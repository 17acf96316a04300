from __future__ import annotations

import pytest

from auditor._resources import data_folder
from auditor.errors import AuditorError
from auditor.records import ALL_DIMENSIONS


def test_the_shipped_prompts_have_a_folder_per_dimension() -> None:
    assert {folder.name for folder in data_folder("prompts").iterdir() if folder.is_dir()} == set(ALL_DIMENSIONS)


def test_missing_data_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(AuditorError, match="no nonsense/ folder") as caught:
        data_folder("nonsense")
    assert "install auditor again" in caught.value.todo
