"""The banks that ship with the program."""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.banks import KINDS, Bank, bank_names, default_banks, lint_together, load_bank
from auditor.banks.lint import RULES
from auditor.records import ALL_DIMENSIONS, CAPABILITY, DIMENSIONS

BANKS = {name: load_bank(name) for name in bank_names()}


def of(dimension: str) -> list[Bank]:
    return [bank for bank in BANKS.values() if bank.dimension == dimension]


def test_the_linter_finds_nothing() -> None:
    assert lint_together(list(BANKS.values())) == []


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_default_banks_of_each_dimension_are_large_enough(dimension: str) -> None:
    prompts = [prompt for name in default_banks(dimension) for prompt in BANKS[name].prompts]
    assert len(prompts) >= 300
    # Prompts of one template are one piece of evidence, so prompts alone would not do.
    assert len({prompt.unit for prompt in prompts}) >= 100


def test_capability_has_enough_prompts() -> None:
    assert sum(len(BANKS[name].prompts) for name in default_banks(CAPABILITY)) >= 150


def test_safety_has_enough_of_both_kinds_and_every_reasoning_form() -> None:
    prompts = [prompt for bank in of("safety") for prompt in bank.prompts]
    kinds = Counter(prompt.kind for prompt in prompts)
    assert min(kinds["harmful"], kinds["benign"]) >= 200
    forms = Counter(tag for prompt in prompts for tag in prompt.tags if tag.startswith("form:"))
    assert set(forms) == {f"form:{form}" for form in ("justify", "planted", "hijack", "policy", "overlong")}
    assert min(forms.values()) >= 20


def test_controls_are_asked_like_stereotypes() -> None:
    systems = {"system:benign", "system:untargeted", "system:targeted"}
    for name in ("bias-systems", "bias-control"):
        clusters: dict[str, set[str]] = {}
        for prompt in BANKS[name].prompts:
            clusters.setdefault(prompt.unit, set()).update(tag for tag in prompt.tags if tag.startswith("system:"))
        assert all(held == systems for held in clusters.values())


def test_only_the_group_changes_in_counterfactual_pairs() -> None:
    clusters: dict[str, list[tuple[str, str]]] = {}
    for prompt in BANKS["bias-counterfactual"].prompts:
        clusters.setdefault(prompt.unit, []).append((prompt.messages[-1].content, prompt.expect["group"]))
    for held in clusters.values():
        neutral = {" ".join(shortened(text, group).split()).casefold() for text, group in held}
        assert len(neutral) == 1, held


def shortened(text: str, group: str) -> str:
    """The text with the group's full and short names replaced by one sign."""
    for name in (group + ",", group, group.split(",")[0]):
        for form in (name, name[0].upper() + name[1:]):
            text = text.replace(form, "*")
    return text


def test_dilemmas_are_asked_in_both_orders() -> None:
    clusters: dict[str, set[tuple[str, ...]]] = {}
    for prompt in BANKS["ethics-dilemmas"].prompts:
        clusters.setdefault(prompt.unit, set()).add(tuple(prompt.expect["options"].values()))
    assert all(len(orders) == 2 for orders in clusters.values())


def test_records_are_asked_with_and_without_demonstrations() -> None:
    forms = Counter(
        (tag_of(prompt.tags, "mode"), tag_of(prompt.tags, "shots"), prompt.kind)
        for prompt in BANKS["privacy-records"].prompts
    )
    assert len(forms) == 6
    assert len(set(forms.values())) == 1


def tag_of(tags: tuple[str, ...], name: str) -> str:
    return next(tag.removeprefix(f"{name}:") for tag in tags if tag.startswith(f"{name}:"))


def test_questions_after_a_date_have_an_answerable_counterpart() -> None:
    kinds: dict[str, set[str]] = {}
    for prompt in BANKS["robustness-dated"].prompts:
        kinds.setdefault(prompt.unit, set()).add(prompt.kind)
    assert all(held == {"unknowable", "known"} for held in kinds.values())


@pytest.mark.parametrize("dimension", ALL_DIMENSIONS)
def test_each_dimension_has_default_banks(dimension: str) -> None:
    assert default_banks(dimension)
    assert set(default_banks(dimension)) <= set(bank_names(dimension))


def test_half_of_the_safety_prompts_are_harmless_counterparts() -> None:
    prompts = [prompt for bank in of("safety") for prompt in bank.prompts]
    by_id = {prompt.id: prompt for prompt in prompts}
    assert Counter(prompt.kind for prompt in prompts)["harmful"] * 2 == len(prompts)
    for prompt in prompts:
        other = by_id[prompt.expect["pair"]]
        assert {prompt.kind, other.kind} == {"harmful", "benign"}
        assert prompt.expect["category"] == other.expect["category"]


def test_harmless_requests_cover_every_trap() -> None:
    traps = Counter(
        prompt.expect["trap"] for bank in of("safety") for prompt in bank.prompts if prompt.kind == "benign"
    )
    assert set(traps) == {
        "homonym",
        "figurative",
        "safe_target",
        "definition",
        "fiction",
        "history",
        "public_safety",
        "privacy_self",
        "privacy_public",
    }


def test_ethics_verdicts_are_half_wrong_and_half_not() -> None:
    prompts = [prompt for bank in of("ethics") for prompt in bank.prompts if prompt.kind == "judgement"]
    answers = Counter(prompt.expect["answer"] for prompt in prompts)
    assert answers["wrong"] == answers["not wrong"]


def test_toxicity_classes_are_thirds() -> None:
    kinds = Counter(prompt.kind for bank in of("toxicity") for prompt in bank.prompts)
    assert len(set(kinds.values())) == 1
    assert all(prompt.messages[0].role == "system" for bank in of("toxicity") for prompt in bank.prompts)


def test_every_style_question_has_a_plain_form_and_others() -> None:
    styles: dict[str | None, list[str]] = {}
    for bank in of("robustness"):
        for prompt in bank.prompts:
            if prompt.kind == "shifted":
                styles.setdefault(prompt.cluster, []).extend(prompt.tags)
    assert styles
    for held in styles.values():
        assert "style:plain" in held
        assert len(set(held)) >= 4


def test_numbers_are_the_value_of_their_expression() -> None:
    checked = 0
    for bank in of(CAPABILITY):
        for prompt in bank.prompts:
            for tag in prompt.tags:
                if tag.startswith("check:"):
                    assert value(tag.removeprefix("check:")) == pytest.approx(prompt.expect["number"]), prompt.id
                    checked += 1
            assert ("number" in prompt.expect) == any(tag.startswith("check:") for tag in prompt.tags), prompt.id
    assert checked >= 40


@pytest.mark.parametrize("name", BANKS)
def test_cards_say_what_a_reader_needs(name: str) -> None:
    bank = BANKS[name]
    assert bank.licence == "CC-BY-4.0"
    for field in ("purpose", "construction", "metric", "limits"):
        assert len(bank.card[field]) > 40, field


def test_the_documentation_lists_the_banks_as_they_are() -> None:
    rows = (Path(__file__).parents[2] / "docs" / "banks.md").read_text("utf-8").splitlines()
    for bank in BANKS.values():
        kinds = ", ".join(f"{kind} {count}" for kind, count in bank.kinds.items())
        start = f"| `{bank.name}` | {bank.dimension} | {len(bank.prompts)} | {bank.clusters} | {kinds} |"
        assert any(row.startswith(start) for row in rows), f"docs/banks.md lacks: {start}"


def test_the_documentation_names_every_kind_and_rule() -> None:
    text = (Path(__file__).parents[2] / "docs" / "banks.md").read_text("utf-8")
    for name in (*RULES, *(kind for kinds in KINDS.values() for kind in kinds)):
        assert f"`{name}`" in text


def test_banks_have_names_and_hashes_of_their_own() -> None:
    assert len(BANKS) == len(bank_names())
    assert len({bank.hash for bank in BANKS.values()}) == len(BANKS)


OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


def value(expression: str) -> float:
    """The value of an arithmetic expression, computed without ``eval``."""
    return walk(ast.parse(expression, mode="eval").body)


def walk(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -walk(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](walk(left), walk(right))
    raise AssertionError(f"not arithmetic: {ast.dump(node)}")
