"""Logs that programs read: a JSON object a line."""

import json
import logging
from datetime import datetime, timezone

__all__ = ["JsonLines"]


class JsonLines(logging.Formatter):
    """Time, level and message of a record, and what it has in `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """str : the line of a record."""
        time = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname.lower(), "event": record.getMessage(), **getattr(record, "fields", {})}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)
