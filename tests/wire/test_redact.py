from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from auditor.errors import AuditorError
from auditor.records import Attempt
from auditor.wire import CassetteTape, Redactor
from tests.wire.doubles import CHAT, Script, wire

KEYS = st.from_regex(r"[A-Za-z0-9_/+=.\"\\~#%-]{12,40}", fullmatch=True)


def contents(folder: str) -> str:
    return "".join(path.read_text() for path in Path(folder).iterdir())


@settings(max_examples=60, deadline=None)
@given(key=KEYS, told=st.booleans(), status=st.sampled_from([200, 400, 401, 429, 500]), stream=st.booleans())
async def test_a_key_is_never_on_file_nor_in_an_error_nor_in_the_ledger(
    key: str, told: bool, status: int, stream: bool
) -> None:
    assume(told or len(key) >= 16)
    assume(key not in "[redacted] text/event-stream application/json")

    async def network(request: httpx2.Request) -> httpx2.Response:
        said = json.dumps({"message": f"wrong key {key}", "key": key, "all": dict(request.headers)})
        headers = {"x-request-id": f"for-{key}", "content-type": "application/json"}
        if stream:
            headers["content-type"] = "text/event-stream"
            said = f"data: {said}\n\n: {key}\n\n"
        if "break" in request.url.path:
            raise httpx2.LocalProtocolError(f"Illegal header value {key!r}")
        return httpx2.Response(status, content=said, headers=headers)

    forms = {key, json.dumps(key)[1:-1], quote(key, safe=""), quote(key)}
    attempts: list[Attempt] = []
    shown: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        with CassetteTape(Path(folder) / "c.jsonl") as tape:
            async with wire(network, tape=tape, attempts=attempts, secrets=(key,) if told else ()) as open_:
                for url in (CHAT, f"{CHAT}?key={quote(key, safe='')}", f"{CHAT}/break"):
                    body = {"messages": [{"role": "user", "content": f"my key is {key}"}]}
                    try:
                        response = await open_.client.post(url, json=body, headers={"authorization": f"Bearer {key}"})
                        shown.append(f"{response.text} {response.headers}")
                    except AuditorError as error:
                        shown.append(f"{error} {error!r} {error.__cause__!r} {error.__context__!r}")
        files = contents(folder)
    everything = files + repr(attempts) + "".join(shown)
    assert not [form for form in forms if form in everything]
    assert (files != "") == (status in {200, 400})


async def test_prompts_and_answers_about_other_keys_stay_as_they_are() -> None:
    planted = "sk-planted-0123456789abcdef"
    network = Script(httpx2.Response(200, json={"text": f"the key is {planted}"}))
    async with wire(network, secrets=("sk-real-0123456789abcdef",)) as open_:
        response = await open_.client.post(CHAT, json={"q": planted})
    assert response.json() == {"text": f"the key is {planted}"}


def test_placeholders_do_not_alter_bodies(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        redactor = Redactor(["EMPTY", ""])
    assert "too short" in caplog.text
    assert "EMPTY" not in caplog.text
    redactor.learn({"authorization": "Bearer not-needed"})
    assert redactor.body(b"EMPTY is not-needed") == b"EMPTY is not-needed"


def test_a_secret_that_begins_another_leaves_no_rest() -> None:
    redactor = Redactor(["abcdefgh", "abcdefghijkl"])
    assert redactor.body(b"abcdefghijkl abcdefgh") == b"[redacted] [redacted]"


def test_headers_are_allow_listed() -> None:
    headers = httpx2.Headers(
        {
            "Content-Type": "application/json",
            "Set-Cookie": "a=b",
            "openai-organization": "org",
            "X-RateLimit-Remaining-Tokens": "5",
            "anthropic-ratelimit-tokens-reset": "soon",
            "retry-after": "1",
            "authorization": "Bearer x",
        }
    )
    assert list(Redactor().headers(headers)) == [
        "anthropic-ratelimit-tokens-reset",
        "content-type",
        "retry-after",
        "x-ratelimit-remaining-tokens",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("two\r\nlines\tand  spaces", "two lines and spaces"),
        ("\x1b[31mred\x1b[0m \x07bell", "[31mred [0m bell"),
        ("right \u202eot\u202c left", "right ot left"),
        ("Incorrect API key: sk-abc123456789.", "Incorrect API key: [redacted]"),
        ("sent Authorization: Bearer abcdef1234567", "sent Authorization: [redacted]"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_words_are_fit_to_be_shown(text: str, words: str) -> None:
    assert Redactor().words(text) == words
