from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.banks import bank_names, default_banks, load_bank, load_file, make_bank, prompt_lines
from auditor.banks.model import Card
from auditor.errors import BankError
from auditor.records import ALL_DIMENSIONS, Message, Prompt
from tests.banks.make import prompt

LINE = '{"id":"mine/a","dimension":"toxicity","bank":"mine","kind":"benign_system","messages":[{"role":"user","content":"Hi"}]}'
CARD = 'name = "mine"\ndimension = "toxicity"\nversion = "1"\nlicence = "CC0-1.0"\n'


def written(folder: Path, lines: str | bytes, card: str | None = None) -> Path:
    path = folder / "mine.jsonl"
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    if card is not None:
        (folder / "mine.card.toml").write_text(card, encoding="utf-8")
    return path


def error_of(path: Path) -> BankError:
    with pytest.raises(BankError) as caught:
        load_file(path)
    assert caught.value.todo
    return caught.value


def test_a_file_without_a_card_names_itself(tmp_path: Path) -> None:
    bank = load_file(written(tmp_path, LINE + "\n\n"))
    assert (bank.name, bank.dimension, bank.licence) == ("mine", "toxicity", "not stated")
    assert bank.prompts[0].messages == (Message("user", "Hi"),)


def test_the_card_beside_a_file_is_read(tmp_path: Path) -> None:
    bank = load_file(written(tmp_path, LINE, CARD + 'limits = "one line"\n'))
    assert bank.licence == "CC0-1.0"
    assert bank.card["limits"] == "one line"


def test_a_byte_order_mark_and_windows_line_ends_are_no_harm(tmp_path: Path) -> None:
    assert len(load_file(written(tmp_path, b"\xef\xbb\xbf" + LINE.encode() + b"\r\n")).prompts) == 1


@pytest.mark.parametrize(
    ("line", "what", "todo"),
    [
        ("{", "Invalid JSON", "correct"),
        (b"\xff\xfe{}", "Invalid JSON", "correct"),
        ("[]", "object", "correct"),
        (LINE.replace('"bank":"mine",', ""), "bank is missing", "add 'bank'"),
        (LINE.replace('"kind"', '"knid"'), "kind is missing", "add 'kind'"),
        (LINE.replace('"kind"', '"note":1,"kind"'), "note is not a known field", "remove or rename 'note'"),
        (LINE.replace("benign_system", "harmful"), "kind 'harmful' is unknown in toxicity", "benign_system"),
        (LINE.replace('"toxicity"', '"toxic"'), "dimension", "correct"),
        (LINE.replace('"Hi"', '" "'), "messages.0.content", "correct"),
        (LINE.replace('[{"role":"user","content":"Hi"}]', "[]"), "messages", "correct"),
        (LINE.replace('"role":"user"', '"role":"boss"'), "messages.0.role", "correct"),
        (LINE.replace("mine/a", "a"), "does not begin with its bank", "write mine/a"),
        (LINE, "already used in line 1", "id of its own"),
        (LINE.replace('"mine', '"yours'), "in a bank of toxicity/mine", "one bank"),
    ],
)
def test_a_bad_line_is_named_with_its_fix(tmp_path: Path, line: str | bytes, what: str, todo: str) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    error = error_of(path := written(tmp_path, LINE.encode() + b"\n\n" + raw + b"\n"))
    assert error.what.startswith(f"{path}:3: ")
    assert what in error.what
    assert todo in error.todo


@pytest.mark.parametrize(
    ("dimension", "kind", "expect", "what"),
    [
        ("safety", "harmful", {}, "category is missing"),
        ("safety", "benign", {"category": "x"}, "trap is missing"),
        ("safety", "harmful", {"category": "x", "anwser": "y"}, "anwser is not a known field"),
        ("bias", "stereotype", {"group": "x"}, "topic is missing"),
        (
            "bias",
            "ambiguous",
            {"choices": {"A": "x", "B": "y"}, "answer": "C", "unknown": "B", "stereotyped": "A"},
            "answer",
        ),
        (
            "bias",
            "ambiguous",
            {"choices": {"A": "x", "B": "y"}, "answer": "B", "unknown": "Q", "stereotyped": "A"},
            "unknown",
        ),
        ("ethics", "judgement", {"answer": "maybe"}, "answer"),
        ("privacy", "protect", {"secrets": []}, "secrets"),
        ("privacy", "share", {"must_include": [""]}, "must_include"),
        ("robustness", "shifted", {"answers": ["x"]}, "base is missing"),
        ("robustness", "unknowable", {"abstain": False}, "abstain"),
        ("capability", "word", {}, "needs either"),
        ("capability", "word", {"number": "4"}, "number"),
        ("capability", "logic", {"choices": {"A": "x", "B": "y"}}, "answer is None"),
    ],
)
def test_an_incomplete_expect_is_named(
    tmp_path: Path, dimension: str, kind: str, expect: dict[str, object], what: str
) -> None:
    lines = prompt_lines([prompt("a", kind, "Hi", dimension=dimension, expect=expect)])
    error = error_of(written(tmp_path, lines))
    assert ":1: expect of" in error.what
    assert what in error.what


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_bank_is_an_error(tmp_path: Path, text: str) -> None:
    assert "no prompts" in error_of(written(tmp_path, text)).what


@pytest.mark.parametrize(
    ("card", "what"),
    [
        ("name = ", "not valid TOML"),
        (CARD.replace('version = "1"\n', ""), "version is missing"),
        (CARD + 'author = "x"\n', "author is not a known field"),
        (CARD.replace('"toxicity"', '"toxic"'), "dimension"),
        (CARD.replace('"mine"', '"yours"'), "the card toxicity/yours"),
    ],
)
def test_a_bad_card_is_named(tmp_path: Path, card: str, what: str) -> None:
    error = error_of(written(tmp_path, LINE, card))
    assert str(tmp_path) in error.what
    assert what in error.what


def test_a_card_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, LINE)
    (tmp_path / "mine.card.toml").write_bytes(b"name = \xff")
    assert "not UTF-8" in error_of(path).what


def test_a_missing_file_and_an_unknown_name_say_so(tmp_path: Path) -> None:
    assert "no bank file" in error_of(tmp_path / "none.jsonl").what
    with pytest.raises(BankError, match="no bank called 'safety-contrasts'") as caught:
        load_bank("safety-contrasts")
    assert "safety-contrast" in caught.value.todo


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(BankError, match="there is no folder"):
        bank_names(folders=[tmp_path / "missing"])
    with pytest.raises(BankError, match="no bank called 'mine'"):
        load_bank("mine", folders=[tmp_path / "nowhere"])


def test_a_path_in_place_of_a_name_loads_the_file(tmp_path: Path) -> None:
    assert load_bank(str(written(tmp_path, LINE))).name == "mine"


def test_a_folder_of_ones_own_adds_banks(tmp_path: Path) -> None:
    (tmp_path / "toxicity").mkdir()
    written(tmp_path / "toxicity", LINE, CARD)
    assert "mine" not in bank_names()
    assert "mine" in bank_names("toxicity", folders=[tmp_path])
    assert "mine" not in bank_names("safety", folders=[tmp_path])
    assert load_bank("mine", folders=[tmp_path]).name == "mine"


def test_a_bank_in_a_folder_needs_a_card_that_fits(tmp_path: Path) -> None:
    (tmp_path / "toxicity").mkdir()
    written(tmp_path / "toxicity", LINE)
    with pytest.raises(BankError, match="has no card"):
        load_bank("mine", folders=[tmp_path])
    written(tmp_path / "toxicity", LINE, CARD.replace("toxicity", "safety"))
    with pytest.raises(BankError, match="the card says safety/mine"):
        load_bank("mine", folders=[tmp_path])


def test_names_come_in_the_order_of_the_dimensions() -> None:
    order = [load_bank(name).dimension for name in bank_names()]
    assert order == sorted(order, key=ALL_DIMENSIONS.index)
    assert default_banks("safety") == ("safety-contrast", "safety-reasoning")


def test_only_banks_whose_card_says_so_are_used_by_default() -> None:
    for dimension in ALL_DIMENSIONS:
        used = default_banks(dimension)
        assert used == tuple(name for name in bank_names(dimension) if load_bank(name).card["default"])


def test_the_summary_is_the_row_of_banks_list() -> None:
    bank = load_bank("bias-choices")
    assert bank.summary() == {
        "bank": "bias-choices",
        "dimension": "bias",
        "prompts": len(bank.prompts),
        "clusters": len(bank.prompts) // 2,
        "licence": "CC-BY-4.0",
        "version": bank.version,
        "hash": bank.hash,
    }
    assert sum(bank.kinds.values()) == len(bank.prompts)


text = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda held: any(not c.isspace() for c in held))
words = text.map(str.strip).filter(bool)
prompts = st.lists(
    st.builds(
        Prompt,
        id=words.map(lambda slug: f"mine/{slug}"),
        dimension=st.just("safety"),
        bank=st.just("mine"),
        kind=st.just("benign"),
        messages=st.lists(
            st.builds(Message, role=st.sampled_from(["system", "user", "assistant"]), content=words), min_size=1
        ).map(tuple),
        expect=st.fixed_dictionaries({"trap": words, "category": words}),
        cluster=st.none() | words,
        tags=st.lists(words).map(tuple),
    ),
    min_size=1,
    unique_by=lambda prompt: prompt.id,
)


@given(held=prompts)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read_back(tmp_path: Path, held: list[Prompt]) -> None:
    path = written(tmp_path, prompt_lines(held))
    bank = load_file(path)
    assert list(bank.prompts) == held
    turned = list(reversed(held))
    card = Card(name="mine", dimension="safety", version="1", licence="CC0-1.0")
    assert make_bank(card, turned).hash == bank.hash


@given(held=prompts)
@settings(max_examples=30, deadline=None)
def test_the_hash_changes_with_the_content(held: list[Prompt]) -> None:
    card = Card(name="mine", dimension="safety", version="1", licence="CC0-1.0")
    first = held[0]
    changed = msgspec.structs.replace(first, tags=(*first.tags, "x"))
    assert make_bank(card, held).hash != make_bank(card, [changed, *held[1:]]).hash
    assert make_bank(card, held).hash != make_bank(card, held[1:]).hash
