"""One SQLite file per run: numbered migrations, one writer, many readers."""

from auditor.store.annotations import Annotation, Annotations
from auditor.store.folder import RunFolder
from auditor.store.reader import PairRow, RecordDetail, RunReader, SideRecord
from auditor.store.search import TextIndex, Words
from auditor.store.tape import RunTape
from auditor.store.writer import RunWriter

__all__ = [
    "Annotation",
    "Annotations",
    "PairRow",
    "RecordDetail",
    "RunFolder",
    "RunReader",
    "RunTape",
    "RunWriter",
    "SideRecord",
    "TextIndex",
    "Words",
]
