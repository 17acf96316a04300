"""Importers: published data sets, and any table of one's own, as prompt banks."""

from __future__ import annotations

from auditor.banks.importers.base import Fact, Importer, Options
from auditor.banks.importers.registry import FORMATS, Imported, import_bank, write_bank

__all__ = ["FORMATS", "Fact", "Imported", "Importer", "Options", "import_bank", "write_bank"]
