"""One SQLite file per run: numbered migrations, one writer, many readers."""

from auditor.store.annotations import Annotation, Annotations
from auditor.store.browsing import Change, Fallen, PairScores, Tally
from auditor.store.folder import RunFolder
from auditor.store.reader import PairRow, RecordDetail, RunReader, SideRecord
from auditor.store.search import TextIndex, Words
from auditor.store.spending import Spent
from auditor.store.tape import RunTape
from auditor.store.writer import Kept, RunWriter, kept

__all__ = [
    "Annotation",
    "Annotations",
    "Change",
    "Fallen",
    "Kept",
    "PairRow",
    "PairScores",
    "RecordDetail",
    "RunFolder",
    "RunReader",
    "RunTape",
    "RunWriter",
    "SideRecord",
    "Spent",
    "Tally",
    "TextIndex",
    "Words",
    "kept",
]
