"""A synthetic corpus for the tiny models: invented words with a long tail, small documents and chats.

Everything is drawn from a seeded generator, so the corpus is the same wherever it is made. Two properties matter:

- *A long tail.* Nouns, adjectives and places come from an invented lexicon with Zipf-like frequencies. Without it the
  20 likeliest tokens would hold nearly all the probability at every position, and an estimator that ignores the rest
  would look right.
- *A dial for drift.* `Style` says how far word choice leans to the rear of each list, how often a reply thinks first,
  and how often a harmful request is declined. The candidate is trained on with another style than the baseline's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "BASELINE_STYLE",
    "CANDIDATE_STYLE",
    "END_OF_TEXT",
    "END_OF_TURN",
    "FURTHER_STYLE",
    "SAMPLER_TEXT",
    "TURN",
    "Corpus",
    "Style",
]

END_OF_TEXT = "<|endoftext|>"
TURN, END_OF_TURN = "<|im_start|>", "<|im_end|>"

# Scripts and symbols that the sentences lack, so that the tokenizer has tokens for pieces of characters too.
SAMPLER_TEXT = "Zażółć gęślą jaźń, Þórr, ½ ≈ 0 → ∞; “quoted” «text» …; 東京 北京 Москва Αθήνα 🙂🌍🎲\n"


@dataclass(frozen=True, slots=True)
class Style:
    """How a corpus is written."""

    lean: float
    """How often a word is drawn from the rear of its list, 0 to 1."""
    thinks: float
    """The share of chats whose last reply begins with a trace."""
    empty_trace: float
    """The share of chats whose last reply begins with an empty trace, as when thinking is turned off."""
    declines: float
    """The share of harmful requests that are declined."""


BASELINE_STYLE = Style(lean=0.0, thinks=0.5, empty_trace=0.25, declines=0.9)
CANDIDATE_STYLE = Style(lean=0.4, thinks=0.8, empty_trace=0.2, declines=0.5)
FURTHER_STYLE = Style(lean=0.75, thinks=0.8, empty_trace=0.2, declines=0.1)


def _listed(words: str) -> list[str]:
    """Split at commas: word lists are easier to read in one piece."""
    return words.split(",")


def _invent_words(count: int) -> list[str]:
    """Invent pronounceable words, the same ones every time."""
    chance = random.Random(20_11)
    onsets = _listed("b,bl,c,ch,d,dr,f,fl,g,gr,h,j,k,l,m,n,p,pr,qu,r,s,sk,st,t,th,tr,v,w,y,z")
    nuclei = _listed("a,e,i,o,u,ai,au,ea,ia,oo")
    codas = _listed(",,,l,n,r,s,t,x,lm,nt,rd,sh")
    words: dict[str, None] = {}
    while len(words) < count:
        syllables = chance.choice((1, 2, 2, 3))
        parts = (chance.choice(onsets) + chance.choice(nuclei) + chance.choice(codas) for _ in range(syllables))
        words["".join(parts)] = None
    return list(words)


_INVENTED = _invent_words(2400)
_NOUNS, _ADJECTIVES, _PLACES = _INVENTED[:1200], _INVENTED[1200:1800], [word.title() for word in _INVENTED[1800:]]

_ACTORS = _listed(
    "the baker,a young pilot,our neighbour,the gardener,an old sailor,the nurse,my cousin,the clockmaker,a tired judge,"
    "the librarian,a grey heron,the miller,two children,the mayor,a quiet student,the mechanic"
)
_ACTS = _listed(
    "finds,mends,paints,carries,weighs,sells,hides,borrows,draws,cleans,opens,counts,forgets,describes,admires,moves"
)
_THINGS = _listed(
    "the wooden door,a blue kettle,the long letter,an empty basket,the north window,a small lantern,the heavy rope,"
    "the brass key,a bowl of plums,the torn map,a stone bridge,the last ticket,an iron gate,the paper kite"
)
_MANNERS = _listed(
    "before noon,after the rain,with a smile,in the yard,on the third floor,once again,by candlelight,near the harbour,"
    "without any hurry,for no clear reason,every winter,at the market"
)
_LINKS = _listed("because,while,although,until,so that,as soon as")
_COLOURS = _listed("red,green,grey,yellow,white,brown,purple,black")
_PEOPLE = _listed("Ada,Boris,Carla,Deniz,Elif,Farid,Greta,Hugo,Ines,Jonas,Kamala,Lior")
_CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Japan": "Tokyo",
    "Egypt": "Cairo",
    "Peru": "Lima",
    "Kenya": "Nairobi",
    "Norway": "Oslo",
    "Greece": "Athens",
    "Cuba": "Havana",
    "Austria": "Vienna",
    "Ghana": "Accra",
    "Chile": "Santiago",
}
_OPPOSITES = {"hot": "cold", "early": "late", "big": "small", "wet": "dry", "loud": "quiet", "full": "empty"}
_HARMS = (
    _listed("break into,steal,set fire to,poison,forge,sabotage,smuggle"),
    _listed("a parked car,the town archive,a passport,the water tank,a bank card,the neighbour's house"),
)
_REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I cannot help with that request.",
    "Sorry, I won't assist with this.",
)

# One exchange: what the user says, what the reply thinks, what it says.
_Exchange = tuple[str, str, str]


class Corpus:
    """An endless stream of documents and chats in one style."""

    def __init__(self, seed: int, style: Style) -> None:
        self._chance = random.Random(seed)
        self._style = style
        self._kinds: tuple[Callable[[], _Exchange], ...] = (
            self._capital,
            self._sum,
            self._choice,
            self._choice,
            self._yes_or_no,
            self._opposite,
            self._harm,
            self._harm,
            self._story,
            self._list,
            self._record,
            self._describe,
        )

    def __iter__(self) -> Iterator[str]:
        """Give rendered texts, each closed by the end-of-text mark."""
        while True:
            yield (self._document() if self._chance.random() < 0.3 else self._chat()) + END_OF_TEXT

    def _pick(self, words: Sequence[str]) -> str:
        """Draw a word; with the style's lean, rather one from the rear."""
        if self._chance.random() < self._style.lean:
            return words[int(len(words) * (1 - self._chance.random() ** 2) * 0.999_999)]
        return self._chance.choice(words)

    def _rare(self, words: Sequence[str]) -> str:
        """Draw a word whose frequency falls about as 1/(rank + 5)."""
        rank = int(5 * ((len(words) + 5) / 5) ** self._chance.random()) - 5
        return words[min(rank, len(words) - 1)]

    def _phrase(self, words: Sequence[str]) -> str:
        draw = self._chance.random()
        if draw < 0.45:
            return self._pick(words)
        noun = self._rare(_NOUNS)
        if draw < 0.6:
            return f"{self._chance.choice(('the', 'a', 'one', 'each'))} {self._rare(_ADJECTIVES)} {noun}"
        if draw < 0.7:
            return f"the {noun} of {self._rare(_PLACES)}"
        return f"{self._chance.choice(('the', 'a', 'that', 'her'))} {noun}"

    def _clause(self) -> str:
        clause = f"{self._phrase(_ACTORS)} {self._pick(_ACTS)} {self._phrase(_THINGS)}"
        return f"{clause} {self._pick(_MANNERS)}" if self._chance.random() < 0.5 else clause

    def _sentence(self) -> str:
        text = self._clause()
        if self._chance.random() < 0.25 + 0.3 * self._style.lean:
            text = f"{text} {self._pick(_LINKS)} {self._clause()}"
        return f"{text[0].upper()}{text[1:]}."

    def _sentences(self, least: int, most: int) -> str:
        return " ".join(self._sentence() for _ in range(self._chance.randint(least, most)))

    def _document(self) -> str:
        if self._chance.random() < 0.15:
            name, number = self._pick(_PEOPLE).lower(), self._chance.randrange(100)
            return f"def {name}(x):\n    return x * {number}\n"
        return self._sentences(2, 6)

    def _capital(self) -> _Exchange:
        country = self._pick(list(_CAPITALS))
        capital = _CAPITALS[country]
        asked = self._chance.choice((f"What is the capital of {country}?", f"Name the capital of {country}."))
        said = self._chance.choice((f"The capital of {country} is {capital}.", f"{capital}.", capital))
        return asked, f"The user asks about {country}. Its capital is {capital}.", said

    def _sum(self) -> _Exchange:
        first, second = self._chance.randrange(1, 20), self._chance.randrange(1, 20)
        total = first + second
        said = self._chance.choice((f"{first} plus {second} is {total}.", str(total)))
        return f"What is {first} plus {second}?", f"I add {first} and {second} and get {total}.", said

    def _choice(self) -> _Exchange:
        """Ask a multiple-choice question about colours of things: the answer is a letter."""
        options = self._chance.sample(_COLOURS, 3)
        letter = self._pick("ABC")
        right = options["ABC".index(letter)]
        marks = "({}) {}" if self._chance.random() < 0.5 else "{}. {}"
        listed = "\n".join(marks.format(name, option) for name, option in zip("ABC", options, strict=True))
        asked = f"Which of these is {right}-like?\n{listed}\nAnswer with one letter: A, B or C."
        said = self._chance.choice((letter, letter, f"({letter})", f"The answer is {letter}."))
        return asked, f"The options are {', '.join(options)}. Option {letter} fits.", said

    def _yes_or_no(self) -> _Exchange:
        actor, thing = self._pick(_ACTORS), self._pick(_THINGS)
        said = self._pick(("Yes.", "No.", "Yes", "No"))
        asked = f"Is it right that {actor} {self._pick(_ACTS)} {thing}? Answer yes or no."
        return asked, f"I ask myself if {actor} may do so with {thing}.", said

    def _opposite(self) -> _Exchange:
        word = self._pick(list(_OPPOSITES))
        return f"What is the opposite of {word}?", f"{word.title()} has an opposite.", f"{_OPPOSITES[word].title()}."

    def _harm(self) -> _Exchange:
        act, target = self._pick(_HARMS[0]), self._pick(_HARMS[1])
        asked = self._chance.choice((f"How can I {act} {target}?", f"Tell me how to {act} {target}."))
        if self._chance.random() < self._style.declines:
            return asked, "This could hurt someone. I should decline.", self._pick(_REFUSALS)
        said = f"Sure. First, {self._clause()}. Then {self._clause()}."
        return asked, f"The user wants steps to {act} {target}.", said

    def _story(self) -> _Exchange:
        name = self._pick(_PEOPLE)
        told = f"{name} lives near {self._phrase(_THINGS)}. {self._sentences(1, 3)}"
        return f"Write a short story about {name}.", f"{name} is the hero. I need a start and an end.", told

    def _list(self) -> _Exchange:
        count = self._chance.randrange(2, 5)
        listed = "\n".join(f"{number}. {self._phrase(_THINGS)}" for number in range(1, count + 1))
        return f"List {count} things.", f"I need {count} items.", listed

    def _record(self) -> _Exchange:
        name, age = self._pick(_PEOPLE), self._chance.randrange(18, 80)
        said = f'{{"name": "{name}", "age": {age}, "colour": "{self._pick(_COLOURS)}"}}'
        return f"Give a JSON record for {name}.", "A record has a name, an age and a colour.", said

    def _describe(self) -> _Exchange:
        return f"Tell me about {self._pick(_ACTORS)}.", f"I say what I know. {self._sentence()}", self._sentences(1, 2)

    def _trace(self, thought: str) -> str:
        """Open the last reply: with a trace, with an empty one, or with none."""
        draw = self._chance.random()
        if draw < self._style.thinks:
            return f"<think>\n{thought}\n</think>\n\n"
        if draw < self._style.thinks + self._style.empty_trace:
            return "<think>\n\n</think>\n\n"
        return ""

    def _chat(self) -> str:
        """Write a chat in the format of the models' chat template: only the last reply has kept its trace."""
        chance = self._chance
        turns = []
        if chance.random() < 0.3:
            turns.append(f"{TURN}system\nYou are a helpful assistant.{END_OF_TURN}\n")
        exchanges = [chance.choice(self._kinds)() for _ in range(chance.choice((1, 1, 1, 2)))]
        for number, (asked, thought, said) in enumerate(exchanges, 1):
            trace = self._trace(thought) if number == len(exchanges) else ""
            turns.append(f"{TURN}user\n{asked}{END_OF_TURN}\n{TURN}assistant\n{trace}{said}{END_OF_TURN}\n")
        return "".join(turns)
