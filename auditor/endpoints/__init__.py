"""Everything about talking to one model: dialects, requests, decoding, splitting trace from answer, and the probe."""

from auditor.endpoints.base import Carrier, Endpoint, Introspectable, ServedModel
from auditor.endpoints.capabilities import Capabilities
from auditor.endpoints.channels import Channels, split_text
from auditor.endpoints.connect import connect, resolve_key, with_defaults
from auditor.endpoints.dialects import DIALECTS, Dialect, dialect_named
from auditor.endpoints.probe import PROBE_MAX_CALLS, probe

__all__ = [
    "DIALECTS",
    "PROBE_MAX_CALLS",
    "Capabilities",
    "Carrier",
    "Channels",
    "Dialect",
    "Endpoint",
    "Introspectable",
    "ServedModel",
    "connect",
    "dialect_named",
    "probe",
    "resolve_key",
    "split_text",
    "with_defaults",
]
