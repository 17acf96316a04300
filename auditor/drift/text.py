"""Protocol T: two models compared by text alone. Tests and distances of samples; nothing here is a KL.

Permutations stay within a prompt (stratified), so differences between prompts never count as differences between
models, and p-values are exact: (1 + number of permutations at least as extreme) / (permutations + 1).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Kernel = Literal["equal", "hamming", "ngram"]
"""``equal``: 1 for the same text, 0 for another; for texts of a token, where MMD^2 is the squared distance between the
shares of what was said. ``hamming``: share of equal characters at equal places (padded), as in Gao, Liang and Guestrin 2025. ``ngram``:
cosine of character 3-gram counts, which still sees likeness after the first inserted character."""

LENGTH: Final = 1000
"""Characters compared; beyond it texts of language models have long diverged."""
_TIE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class TextTest:
    """A permutation two-sample test.

    Attributes:
        statistic: the observed value (MMD^2 summed over prompts, or total variation).
        null_mean: its mean under permutation: what the same statistic shows when nothing differs.
        p_value: in (0, 1]; small means the two sides do not say the same.
        permutations: how many were drawn.
        prompts: strata that could tell anything (both sides sampled, three texts or more).
        n_baseline: texts of the baseline.
        n_candidate: texts of the candidate.
        method: what was computed.
    """

    statistic: float
    null_mean: float
    p_value: float
    permutations: int
    prompts: int
    n_baseline: int
    n_candidate: int
    method: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def text_test(
    prompts: Sequence[tuple[Sequence[str], Sequence[str]]],
    *,
    seed: int,
    kernel: Kernel = "hamming",
    permutations: int = 1000,
    length: int = LENGTH,
) -> TextTest:
    """Do two endpoints write alike? Kernel two-sample test (MMD), permutations stratified by prompt.

    The statistic is the sum over prompts of the unbiased MMD^2 (Gretton et al. 2012, eq. 3),
    mean k(a, a') + mean k(b, b') - 2 mean k(a, b) over different texts; a side with one text has no first term.

    Args:
        prompts: per prompt (baseline's texts, candidate's texts), sampled independently at the same settings.
        seed: of the permutations.
        kernel: see `Kernel`.
        permutations: relabellings drawn.
        length: characters of each text that are compared.

    Raises:
        ValueError: no text on one side, or fewer than one permutation or character.
    """
    if length < 1:
        msg = f"length must be at least 1, got {length}"
        raise ValueError(msg)
    gram = {"equal": _equal, "hamming": _hamming, "ngram": _ngram}[kernel]

    def prepare(texts: Sequence[str]) -> Array:
        return gram([text[:length] for text in texts], length)

    return _permute(prompts, prepare, _mmd, seed=seed, permutations=permutations, method=f"mmd_{kernel}")


def outcome_test(
    prompts: Sequence[tuple[Sequence[Hashable], Sequence[Hashable]]], *, seed: int, permutations: int = 1000
) -> TextTest:
    """Total variation between the two sides' shares of outcome categories, with a stratified permutation test.

    The statistic is ½ sum over categories of |mean over prompts of (share in baseline - share in candidate)|. Sampled
    shares differ by chance alone: read it against ``null_mean``.

    Args:
        prompts: per prompt (baseline's outcomes, candidate's outcomes), one category per reply.
        seed: of the permutations.
        permutations: relabellings drawn.

    Raises:
        ValueError: no outcome on one side, or fewer than one permutation.
    """
    import numpy as np

    categories = {c: i for i, c in enumerate(dict.fromkeys(c for a, b in prompts for c in (*a, *b)))}

    def prepare(outcomes: Sequence[Hashable]) -> Array:
        table = np.zeros((len(outcomes), len(categories)))
        table[np.arange(len(outcomes)), [categories[c] for c in outcomes]] = 1.0
        return table

    return _permute(prompts, prepare, _tv, seed=seed, permutations=permutations, method="tv_outcomes")


def _permute(
    prompts: Sequence[tuple[Sequence[Any], Sequence[Any]]],
    prepare: Callable[[Sequence[Any]], Array],
    statistic: Callable[[Sequence[tuple[Array, NDArray[np.bool_]]]], Array],
    *,
    seed: int,
    permutations: int,
    method: str,
) -> TextTest:
    import numpy as np

    n_baseline, n_candidate = sum(len(a) for a, _ in prompts), sum(len(b) for _, b in prompts)
    if n_baseline == 0 or n_candidate == 0 or permutations < 1:
        msg = f"a test needs texts on both sides and permutations, got {n_baseline}, {n_candidate} and {permutations}"
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    strata = []
    for a, b in prompts:
        if not a or not b:
            continue
        labels = np.zeros((permutations + 1, len(a) + len(b)), dtype=bool)
        labels[0, : len(a)] = True
        labels[1:] = rng.permuted(np.tile(labels[0], (permutations, 1)), axis=1)
        strata.append((prepare([*a, *b]), labels))
    if not strata:
        msg = "no prompt has texts from both sides"
        raise ValueError(msg)
    values = statistic(strata)
    observed, null = float(values[0]), values[1:]
    extreme = int((null >= observed - _TIE * max(1.0, abs(observed))).sum())
    return TextTest(
        statistic=observed,
        null_mean=float(null.mean()),
        p_value=(1 + extreme) / (permutations + 1),
        permutations=permutations,
        prompts=sum(1 for _, labels in strata if labels.shape[1] > 2),
        n_baseline=n_baseline,
        n_candidate=n_candidate,
        method=method,
    )


def _mmd(strata: Sequence[tuple[Array, NDArray[np.bool_]]]) -> Array:
    import numpy as np

    total: Array = np.zeros(len(strata[0][1]))
    for gram, labels in strata:
        off = gram - np.diag(np.diag(gram))
        first = labels.astype(float)
        to_first = first @ off
        m, n = int(labels[0].sum()), int((~labels[0]).sum())
        within = (to_first * first).sum(axis=1)
        across = to_first.sum(axis=1) - within
        other = off.sum() - within - 2 * across
        total += -2 * across / (m * n)
        if m > 1:
            total += within / (m * (m - 1))
        if n > 1:
            total += other / (n * (n - 1))
    return total


def _tv(strata: Sequence[tuple[Array, NDArray[np.bool_]]]) -> Array:
    import numpy as np

    gap: Array = np.zeros((len(strata[0][1]), strata[0][0].shape[1]))
    for table, labels in strata:
        first = labels.astype(float)
        gap += first @ table / first[0].sum() - (1 - first) @ table / (1 - first[0]).sum()
    return np.asarray(np.abs(gap / len(strata)).sum(axis=1) / 2, dtype=np.float64)


def _equal(texts: Sequence[str], _length: int) -> Array:
    import numpy as np

    codes = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    row = np.array([codes[text] for text in texts])
    return np.asarray(row[:, None] == row[None], dtype=np.float64)


def _hamming(texts: Sequence[str], length: int) -> Array:
    import numpy as np

    codes = np.zeros((len(texts), min(length, max(map(len, texts), default=0)) or 1), dtype=np.int32)
    for row, text in enumerate(texts):
        codes[row, : len(text)] = [ord(c) + 1 for c in text]
    # Row by row: all pairs at once would hold texts^2 x length numbers.
    return np.stack([(codes == row).mean(axis=1) for row in codes])


def _ngram(texts: Sequence[str], _length: int) -> Array:
    import numpy as np

    grams = [[f"\x02{text}\x03"[i : i + 3] for i in range(max(len(text), 1))] for text in texts]
    columns = {g: i for i, g in enumerate(dict.fromkeys(g for row in grams for g in row))}
    counts = np.zeros((len(texts), len(columns)))
    for row, found in enumerate(grams):
        for g in found:
            counts[row, columns[g]] += 1
    counts /= np.linalg.norm(counts, axis=1, keepdims=True)
    return np.asarray(counts @ counts.T, dtype=np.float64)
