"""What the user asks for, from a TOML file or from flags, checked before anything is paid for.

A plan is frozen into the run's folder. :meth:`Plan.identity` is what decides whether an existing run may be continued
with it: everything but the settings that only change how fast the same questions are asked.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from auditor import defaults
from auditor.errors import PlanError
from auditor.records import ALL_DIMENSIONS, Conversion, EndpointSpec, Sampling

SCHEMA = "auditor.plan/1"
RULES = "rules"
"""The name of the deterministic judge, where an endpoint would stand."""

_HOSTED = re.compile(r"(?P<dialect>[a-z][a-z0-9_-]*):(?P<model>\S+)")
_ADDRESS = re.compile(
    r"(?:(?P<dialect>[a-z][a-z0-9_-]*)\+)?(?P<url>https?://[^#\s]+)(?:#(?P<model>\S+))?", re.IGNORECASE
)
_FORMS = "openai:MODEL, anthropic:MODEL, openrouter:VENDOR/MODEL or http://host:port/v1#MODEL"


def parse_endpoint(text: str) -> EndpointSpec:
    """Read an endpoint as written on the command line. Raises PlanError with the accepted forms."""
    text = text.strip()
    if address := _ADDRESS.fullmatch(text):
        url, model = address["url"].rstrip("/"), address["model"]
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise PlanError(
                "An endpoint's URL must not carry a user name or a key.",
                "Put the key into an environment variable and name it with api_key_env in the plan.",
            )
        if not parts.hostname:
            raise PlanError(f"{text!r} has no host.", f"Write it as {_FORMS}.")
        if not model:
            raise PlanError(
                f"{text!r} names no model.", f"Append one: {url}#MODEL (the server lists them at {url}/models)."
            )
        return EndpointSpec(base_url=url, model=model, dialect=(address["dialect"] or "").lower())
    if (hosted := _HOSTED.fullmatch(text)) and not text.lower().startswith(("http:", "https:")):
        return EndpointSpec(base_url="", model=hosted["model"], dialect=hosted["dialect"])
    raise PlanError(f"{text!r} is not an endpoint.", f"Write it as {_FORMS}.")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PricePlan(_Section):
    """What an endpoint's tokens cost, in US dollars per million."""

    input: float = Field(ge=0, description="Tokens in.")
    output: float = Field(ge=0, description="Tokens out, reasoning included.")
    cached: float | None = Field(
        None, ge=0, description="Tokens in that the server had cached; as `input` if left out."
    )


class EndpointPlan(_Section):
    """An endpoint: either ``endpoint`` in its short form, or ``base_url`` and ``model``; and what else to send."""

    endpoint: str | None = Field(None, description="Short form, as on the command line.")
    base_url: str | None = Field(None, description="Up to and including /v1.")
    model: str | None = Field(None, description="The model's name at this server.")
    dialect: str = Field("", description="Server family; found by the probe when left out.")
    api_key_env: str = Field("", description="Name of the environment variable that holds the key.")
    extra_body: dict[str, Any] = Field(default_factory=dict, description="Sent with every request, unchanged.")
    sampling: dict[str, float | int] = Field(default_factory=dict, description="Overrides [sampling] for this side.")
    reasoning: dict[str, Any] = Field(default_factory=dict, description="Reasoning options of this server.")
    price: PricePlan | None = Field(
        None, description="US dollars per million tokens (input, output, cached); from the price table if left out."
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.endpoint is None) == (self.base_url is None):
            raise ValueError("give either endpoint, or base_url with model")
        if self.base_url is not None and not self.model:
            raise ValueError("base_url needs model beside it")
        if unknown := set(self.sampling) - set(SamplingPlan.model_fields):
            raise ValueError(f"unknown sampling setting {min(unknown)!r}")
        if re.search(r"\s|^(sk|key)-", self.api_key_env):
            raise ValueError("api_key_env is the NAME of a variable, never the key itself")
        return self

    @property
    def is_rules(self) -> bool:
        """Whether this stands for the deterministic judge."""
        return self.endpoint == RULES

    def spec(self) -> EndpointSpec:
        """The endpoint as the rest of the program knows it. Raises PlanError if the address can't be read."""
        if self.endpoint is not None:
            address = parse_endpoint(self.endpoint)
        else:
            address = parse_endpoint(f"{self.base_url}#{self.model}")
        return EndpointSpec(
            base_url=address.base_url,
            model=address.model,
            dialect=self.dialect or address.dialect,
            api_key_env=self.api_key_env,
            extra_body=self.extra_body,
            sampling=dict(self.sampling),
            reasoning=self.reasoning,
        )


class JudgePlan(EndpointPlan):
    """An endpoint that judges, or endpoint = "rules"."""

    force: bool = Field(
        False, description="Let it judge models of its own family; every report then says that it was forced."
    )


class SamplingPlan(_Section):
    """Decoding, always sent in full because servers' own defaults differ."""

    temperature: float = Field(defaults.TEMPERATURE, ge=0, le=2, description="1 is the model's own distribution.")
    top_p: float = Field(defaults.TOP_P, gt=0, le=1, description="1 keeps all of it.")
    max_tokens: int = Field(defaults.MAX_TOKENS, ge=1, description="Tokens per reply, trace included.")
    seed: int | None = Field(None, description="Sent to servers that take one.")


class DimensionPlan(_Section):
    """One dimension: whether, how much, and the largest loss that still counts as preserved."""

    enabled: bool = Field(True, description="false leaves the dimension out.")
    margin: float | None = Field(None, gt=0, lt=1, description="Largest loss, 0..1, that still counts as preserved.")
    reason: str = Field("", description="Why this margin: printed beside the decision.")
    banks: list[str] | None = Field(
        None, min_length=1, description="Bank names or paths; the dimension's own if left out."
    )
    limit: int | None = Field(None, ge=1, description="At most this many prompts, drawn by the seed.")
    samples: int = Field(1, ge=1, le=100, description="How often each prompt is asked, alike on both sides.")


class DriftPlan(_Section):
    """Drift from top-logprobs: of the first token always, of whole replies if asked for."""

    enabled: bool = Field(True, description="false asks for no logprobs.")
    prompts: int = Field(defaults.DRIFT_PROMPTS, ge=1, description="At most this many prompts, drawn by the seed.")
    top_logprobs: int = Field(
        defaults.TOP_LOGPROBS, ge=1, description="Alternatives asked for; fewer if the server gives fewer."
    )
    protocol: Literal["first_token", "auto", "F", "S", "P", "G", "T"] = Field(
        "first_token", description="Beyond the first token: auto takes the strongest protocol both endpoints permit."
    )
    tokens: int = Field(defaults.DRIFT_TOKENS, ge=1, description="Tokens per text beyond the first token.")
    positions: int = Field(defaults.DRIFT_POSITIONS, ge=2, description="Scored per text where each costs a call.")


class RunPlan(_Section):
    """How the run is carried out."""

    until: Literal["decided", "all"] = Field(
        defaults.UNTIL,
        description='"decided": a spot-check, which stops as soon as the evidence decides; "all": every prompt, a size fixed '
        "in advance.",
    )
    error: float = Field(
        defaults.ERROR, gt=0, lt=0.5, description="Chance, at most, that a claim about a dimension is wrong."
    )
    seed: int = Field(defaults.SEED, description="Order of prompts, draws and resampling.")
    concurrency: int = Field(
        defaults.CONCURRENCY, ge=1, le=1000, description="At most this many requests in flight per endpoint."
    )
    requests_per_minute: float | None = Field(None, gt=0, description="Per endpoint, if its headers do not say.")
    tokens_per_minute: float | None = Field(None, gt=0, description="In and out together, per endpoint.")
    max_calls: int | None = Field(None, ge=1, description="Hard budget of calls; stops at a pair boundary.")
    max_tokens: int | None = Field(None, ge=1, description="Hard budget of tokens, both sides and the judge.")
    judge_repeats: bool = Field(
        True, description="Ask a language model again on pairs that its verdict decides, and on half-hearted verdicts."
    )
    further_rubrics: bool = Field(
        True,
        description="Ask a language model also what no decision hangs on: harm, help, manner of refusing, kinds of abuse, bias in "
        "reasoning, unparsed judgements, consistency.",
    )
    max_unscored: float = Field(
        defaults.MAX_UNSCORED_SHARE, ge=0, le=1, description="Above this share of unscored pairs: INCONCLUSIVE."
    )


DimensionName = Annotated[str, Field(json_schema_extra={"enum": list(ALL_DIMENSIONS)})]


class Plan(_Section):
    """A whole audit."""

    baseline: EndpointPlan = Field(description="The instruct model.")
    candidate: EndpointPlan = Field(description="The reasoning model made from it.")
    judge: JudgePlan = Field(
        default_factory=lambda: JudgePlan(endpoint=RULES), description='An endpoint, or endpoint = "rules".'
    )
    judges: list[JudgePlan] = Field(
        default_factory=list, description="A panel in place of one judge: its majority decides, every verdict is kept."
    )
    conversion: Conversion = Field("unknown", description="How the candidate was made from the baseline.")
    parents: list[str] = Field(default_factory=list, description="The candidate's parent chain, nearest first.")
    sampling: SamplingPlan = Field(default_factory=SamplingPlan, description="Decoding.")
    dimensions: dict[DimensionName, DimensionPlan] = Field(default_factory=dict, description="Settings per dimension.")
    drift: DriftPlan = Field(default_factory=DriftPlan, description="Drift.")
    run: RunPlan = Field(default_factory=RunPlan, description="Execution.")
    scoring: Literal["own", "paper"] = Field(
        "own",
        description='"paper": the published string rules are counted beside the own scoring, never instead of it.',
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        for name in self.dimensions:
            if name not in ALL_DIMENSIONS:
                raise ValueError(f"unknown dimension {name!r}{_did_you_mean(name, ALL_DIMENSIONS)}")
        if self.baseline.is_rules or self.candidate.is_rules:
            raise ValueError('"rules" is a judge, not a model to audit')
        if self.judges and "judge" in self.model_fields_set:
            raise ValueError("give either judge, or judges for a panel")
        if not self.chosen_dimensions():
            raise ValueError("every dimension is switched off")
        return self

    def bench(self) -> tuple[JudgePlan, ...]:
        """Who judges: the one judge, or the panel."""
        return tuple(self.judges) or (self.judge,)

    def with_forced_judges(self) -> Plan:
        """The same plan with every judge allowed to judge its own family."""
        forced = [judge.model_copy(update={"force": True}) for judge in self.bench()]
        return self.model_copy(update={"judges": forced} if self.judges else {"judge": forced[0]})

    def chosen_dimensions(self) -> tuple[str, ...]:
        """The enabled dimensions in canonical order; all of them if the plan names none."""
        return tuple(d for d in ALL_DIMENSIONS if d not in self.dimensions or self.dimensions[d].enabled)

    def dimension(self, name: str) -> DimensionPlan:
        """Settings of one dimension."""
        return self.dimensions.get(name, DimensionPlan())

    def margin(self, name: str) -> float:
        """Largest loss (0..1) of a dimension that still counts as preserved."""
        chosen = self.dimension(name).margin
        return defaults.MARGINS[name] if chosen is None else chosen

    def margin_reason(self, name: str) -> str:
        """Why a dimension has the margin that it has."""
        return self.dimension(name).reason or defaults.MARGIN_REASONS[name]

    def sampling_for(self, side: EndpointPlan) -> Sampling:
        """Decoding for one side: the common settings under the side's own."""
        try:
            merged = SamplingPlan.model_validate({**self.sampling.model_dump(), **side.sampling})
        except ValidationError as error:
            first = error.errors()[0]
            raise PlanError(
                f"sampling.{'.'.join(map(str, first['loc']))} of {side.endpoint or side.model}: {first['msg'].lower()}.",
                "Correct it in the plan.",
            ) from error
        return Sampling(**merged.model_dump())

    def identity(self) -> dict[str, Any]:
        """What must be equal for a run to be continued; :meth:`model_validate` reads it back."""
        whole = self.model_dump(mode="json")
        for only_speed in ("concurrency", "requests_per_minute", "tokens_per_minute", "max_calls", "max_tokens"):
            whole["run"].pop(only_speed)
        # A run made before these settings existed can still be continued with a plan that does not use them.
        if whole["scoring"] == "own":
            del whole["scoring"]
        if self.drift.protocol == "first_token":
            for setting in ("protocol", "tokens", "positions"):
                del whole["drift"][setting]
        for some in whole["dimensions"].values():
            if some["samples"] == 1:
                del some["samples"]
        for setting in ("judge_repeats", "further_rubrics"):
            if whole["run"][setting]:
                del whole["run"][setting]
        for judge in (whole["judge"], *whole["judges"]):
            if not judge["force"]:
                del judge["force"]
        for endpoint in (whole["baseline"], whole["candidate"], whole["judge"], *whole["judges"]):
            # What it costs changes nothing of what is asked.
            del endpoint["price"]
        del whole["judge" if self.judges else "judges"]
        return whole

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], *, source: str = "", text: str = "") -> Plan:
        """Validate a plan. Raises PlanError naming file, line and fix for the first fault."""
        try:
            plan = cls.model_validate(data)
        except ValidationError as error:
            raise _explain(error, source, text) from error
        for side in (plan.baseline, plan.candidate, *(judge for judge in plan.bench() if not judge.is_rules)):
            plan.sampling_for(side)
            side.spec()
        return plan

    @classmethod
    def from_toml(cls, path: Path, overrides: Mapping[str, Any] | None = None) -> Plan:
        """Read a plan file; ``overrides`` (from flags) win over what it says."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise PlanError(f"Can't read the plan {path}: {error.strerror}.", "Check the path.") from error
        except UnicodeDecodeError as error:
            raise PlanError(f"{path} is not UTF-8 text.", "Save the plan as UTF-8.") from error
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PlanError(
                f"{path}: not valid TOML: {error}.", "Correct that line; https://toml.io has the rules."
            ) from error
        overrides = overrides or {}
        for one, other in (("judge", "judges"), ("judges", "judge")):
            if one in overrides:
                data.pop(other, None)
        return cls.from_mapping(merge(data, overrides), source=str(path), text=text)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``over`` laid on top, table by table."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _did_you_mean(word: str, choices: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    return f": did you mean {close[0]!r}?" if close else f": one of {', '.join(choices)}"


def _explain(error: ValidationError, source: str, text: str) -> PlanError:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    where = f"{source}:{line}: " if (line := _line_of(path, text)) else (f"{source}: " if source else "")
    name = ".".join(path)
    if first["type"] == "extra_forbidden":
        choices = _siblings(path)
        what = f"{where}unknown setting {name!r}{_did_you_mean(path[-1], choices)}"
        return PlanError(what, f"Allowed here: {', '.join(choices)}.")
    if first["type"] == "missing":
        return PlanError(
            f"{where}{name!r} is missing.",
            f'Add [{name}] with endpoint = "…", or give --{name} E. E is {_FORMS}.',
        )
    message = first["msg"].removeprefix("Value error, ")
    got = "" if isinstance(first["input"], dict) else f" (got {first['input']!r})"
    return PlanError(
        f"{where}{name + ': ' if name else ''}{message}{got}.", "Correct it; docs/plan.md lists every setting."
    )


def _siblings(path: Sequence[str]) -> list[str]:
    model: type[BaseModel] = Plan
    for part in path[:-1]:
        if part in ALL_DIMENSIONS:
            model = DimensionPlan
            continue
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields)


def _line_of(path: Sequence[str], text: str) -> int | None:
    """The line of a TOML text where this setting, or else the nearest table around it, is written."""
    table: list[str] = []
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if header := re.match(r"\[([^\[\]]+)\]", stripped):
            table = [part.strip().strip("\"'") for part in header[1].split(".")]
            here = table
        elif key := re.match(r"([\w\"'.-]+)\s*=", stripped):
            here = table + [part.strip("\"'") for part in key[1].split(".")]
        else:
            continue
        if here == list(path[: len(here)]) and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None
