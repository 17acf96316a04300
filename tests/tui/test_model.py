"""The parts of the screens that need no screen: axis, wrapping, differences, tokens, live counts, settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from auditor.errors import UsageError
from auditor.records import Reply, TokenLogprob, TokenLogprobs, TokenPosition
from auditor.store import Annotations, RunReader, Tally
from auditor.tui.actions import actions
from auditor.tui.axis import Axis, share_bar
from auditor.tui.config import load, template
from auditor.tui.diff import MOST_WORDS, word_diff
from auditor.tui.labels import Queue
from auditor.tui.live import LiveFeed, standing
from auditor.tui.runs import siblings
from auditor.tui.summary import nice_limit, summarise
from auditor.tui.theme import ASCII, DARK, LIGHT, UNICODE, glyphs
from auditor.tui.tokens import Track, alternatives, heat, moved, quantiles
from auditor.tui.wrap import Block, Span, find, wrap
from tests.tui.make_run import first_token, make_run

bounded = st.floats(-1, 1)


@given(bounded, bounded, st.floats(0, 0.3), st.sampled_from([9, 21, 41]))
def test_a_bar_fills_its_width_and_marks_its_middle(one: float, other: float, margin: float, width: int) -> None:
    low, high = sorted((one, other))
    axis = Axis(1.0, width)
    for signs in (UNICODE, ASCII):
        drawn = "".join(text for text, _ in axis.bar(low, high, (low + high) / 2, margin, "s", signs))
        assert cell_len(drawn) == width
        assert drawn.count(signs.dot) == 1
        assert drawn[axis.at((low + high) / 2)] == signs.dot
    assert axis.at(-1) == 0
    assert axis.at(1) == width - 1
    assert axis.at(0) == width // 2
    assert len(axis.heading()) == width


@given(st.floats(0, 1), st.integers(1, 30))
def test_a_share_is_as_long_as_it_says(share: float, width: int) -> None:
    assert cell_len(share_bar(share, width, UNICODE)) == width
    assert share_bar(1.0, width, UNICODE) == "━" * width
    assert bool(share_bar(share, width, UNICODE).strip()) is (share > 0.0), "something is never drawn as nothing"
    assert share_bar(share, width, ASCII).isascii()


def test_the_axis_is_the_smallest_round_one_that_holds_all() -> None:
    assert nice_limit([0.02, -0.04]) == 0.05
    assert nice_limit([-0.51, 0.2]) == 0.6
    assert nice_limit([]) == 1.0


def test_ascii_is_chosen_where_nothing_else_works() -> None:
    assert glyphs({}, "utf-8") is UNICODE
    assert glyphs({}, "ANSI_X3.4-1968") is ASCII
    assert glyphs({"AUDITOR_ASCII": "1"}, "utf-8") is ASCII
    assert all(sign.isascii() for sign in ASCII)
    assert DARK.dark
    assert not LIGHT.dark


@given(st.text(alphabet="ab c\n\t漢é", max_size=120), st.integers(4, 30))
def test_spans_stay_on_their_characters(text: str, width: int) -> None:
    start = len(text) // 3
    end = len(text) - len(text) // 4
    lines = wrap(Block(text, "", (Span(start, end, "mark"),)), width)
    marked = "".join(line.text[span.start : span.end] for line in lines for span in line.spans)
    assert marked.replace(" ", "") == "".join(c for c in text[start:end] if c not in " \t\n")


def test_evidence_is_found_as_quoted_or_without_regard_to_case() -> None:
    assert find("It is a Blue Heron.", "Blue Heron") == (8, 18)
    assert find("It is a Blue Heron.", " blue heron") == (8, 18)
    assert find("It is.", "was") is None
    assert find("It is.", "  ") is None


def test_differences_are_marked_by_word() -> None:
    gone, come = word_diff("the blue heron sleeps", "the grey heron sleeps now")
    assert gone == (Span(4, 8, "old"),)
    assert come == (Span(4, 8, "new"), Span(22, 25, "new"))
    assert word_diff("same", "Same") == ((), ())
    assert word_diff("", "") == ((), ())


def test_very_long_texts_are_compared_by_line() -> None:
    old = "\n".join(f"line {number} of it" for number in range(MOST_WORDS))
    gone, come = word_diff(old, old.replace("line 7 of it", "line seven"))
    assert [old[span.start : span.end] for span in gone] == ["line 7 of it"]
    assert len(come) == 1


def test_alternatives_of_both_sides_stand_side_by_side() -> None:
    both = Track("", *(_positions(first_token(shift)) for shift in (0.0, 0.5)))
    found = {one.token: one for one in alternatives(both, 0)}
    assert set(found) == {"·I", "·Of", "·The"}
    assert found["·I"].baseline == pytest.approx(0.6703, abs=1e-3)
    assert (found["·I"].shift or 0) < 0 < (found["·Of"].shift or 0)
    assert (found["·The"].shift or 0) == pytest.approx(0)


def test_a_token_only_one_side_returned_has_no_shift() -> None:
    other = (TokenPosition(TokenLogprob("x", -0.1), (TokenLogprob("x", -0.1), TokenLogprob("y", None))),)
    found = {one.token: one for one in alternatives(Track("", _positions(first_token(0)), other), 0)}
    assert found["x"].baseline is None
    assert found["x"].shift is None
    assert found["y"].candidate is None


def test_tokens_that_moved_most_come_first() -> None:
    pairs = [{"baseline": first_token(0.0), "candidate": first_token(0.5)} for _ in range(3)]
    ranked = moved(pairs)  # type: ignore[arg-type]
    assert [one.token for one in ranked[:2]] == ["·I", "·Of"]
    assert ranked[0].prompts == 3
    assert moved([{"baseline": first_token(0.0)}]) == []


def test_heat_grows_as_the_model_was_less_sure() -> None:
    levels = [heat(TokenPosition(TokenLogprob("x", logprob), ())) for logprob in (-0.01, -0.3, -1.0, -2.0, -5.0)]
    assert levels == [0, 1, 2, 3, 4]
    assert heat(TokenPosition(TokenLogprob("x", None), ())) == 0


@given(st.lists(st.floats(0, 10), min_size=1))
def test_quantiles_are_values_of_the_list(values: list[float]) -> None:
    found = quantiles(values)
    assert set(found) <= set(values)
    assert found[-1] == max(values)
    assert found == sorted(found)
    assert quantiles([]) == []


def test_a_live_run_is_counted_and_read_only_where_it_is_new(made: Path) -> None:
    reader = RunReader(made)
    feed = LiveFeed(reader)
    first = feed.poll()
    assert first.done == first.planned == 7 * 24
    assert first.traffic.limited == 1
    assert first.traffic.failed == 0
    assert first.traffic.tokens_in > 0
    assert first.so_far["privacy"].high < 0
    assert feed.poll() is first, "nothing was written, nothing is read"
    reader.close()


def test_graded_scores_have_no_standing_of_counts() -> None:
    assert standing(Tally("x", 10, 4, 2, 0, 1, 0, -2.0)) is not None
    assert standing(Tally("x", 10, 4, 2, 0, 1, 0, -1.3)) is None
    assert standing(Tally("x", 10, 0, 0, 0, 0, 0, None)) is None


def test_runs_beside_a_run_are_found_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    here = make_run(tmp_path / "b", each=2)
    make_run(tmp_path / "a", each=2, seed=1)
    (tmp_path / "notes").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "plan.json").write_text("{}")
    (tmp_path / "broken" / "run.sqlite").write_text("no database at all")
    assert [path.name for path, _ in siblings(here)] == ["b", "a"]


def test_labelling_is_shuffled_alike_for_everybody_and_walks_to_the_end(run: Path) -> None:
    reader, notes = RunReader(run), Annotations(run, who="tester")
    queue = Queue(reader, notes, {"leak": {"leaks": "it tells", "no_leak": "it does not"}}, most=10)
    assert [i.place for i in Queue(reader, notes, most=10).items] == [i.place for i in queue.items]
    assert {item.side for item in queue.items} == {"baseline", "candidate"}
    first = queue.next()
    assert first is not None
    assert queue.labels(first) == [("leaks", "it tells"), ("no_leak", "it does not")]
    assert "leaks" in dict(Queue(reader, notes, most=10).labels(first)), "else the labels of the run's own verdicts"
    seen = []
    while (item := queue.next()) is not None:
        queue.label(item, "leaks")
        seen.append(item)
    assert len(seen) == queue.done() == len(queue.items)
    assert queue.undo()
    assert queue.next() == seen[-1]
    notes.close()
    reader.close()


def test_the_summary_starts_at_the_worst_trust_dimension(made: Path) -> None:
    reader = RunReader(made)
    summary = summarise(reader)
    assert summary.cells[summary.worst()].dimension == "privacy"
    assert summary.overall == "REGRESSED"
    assert summary.headline.startswith("Of 6 trust dimensions")
    reader.close()


def test_settings_are_read_and_their_faults_named(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere").keys == {}
    file = tmp_path / "view.toml"
    file.write_text('theme = "nord"\n[keys]\n"record.next" = "n,space"\n')
    assert load(tmp_path) == ({"record.next": "n,space"}, "nord")
    for bad in ("[keys", '[keys]\n"record.next" = 3', "\x00"):
        file.write_text(bad)
        with pytest.raises(UsageError) as refused:
            load(tmp_path)
        assert refused.value.todo


def test_the_template_names_every_action_once(tmp_path: Path) -> None:
    names = [name for name, _, _ in actions()]
    assert len(names) == len(set(names))
    assert {"record.next", "overview.open", "list.down", "live.stop"} <= set(names)
    (tmp_path / "view.toml").write_text(template(actions()))
    assert load(tmp_path).keys == {}


def _positions(reply: Reply) -> tuple[TokenPosition, ...]:
    assert isinstance(reply.logprobs, TokenLogprobs)
    return reply.logprobs.positions
