"""One SQLite file per run: numbered migrations, one writer, many readers."""

from auditor.store.folder import RunFolder
from auditor.store.reader import PairRow, RecordDetail, RunReader, SideRecord
from auditor.store.tape import RunTape
from auditor.store.writer import RunWriter

__all__ = ["PairRow", "RecordDetail", "RunFolder", "RunReader", "RunTape", "RunWriter", "SideRecord"]
