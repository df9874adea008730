"""The door to the clock.

SOURCE_DATE_EPOCH stands in for it where a result must be repeatable (reproducible-builds.org).
"""

import datetime as dt
import os


def today() -> dt.date:
    """Give the day, in UTC."""
    return _moment().date()


def now() -> str:
    """Give the moment in UTC, as YYYY-MM-DDTHH:MM:SSZ."""
    return _moment().strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment() -> dt.datetime:
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    return dt.datetime.fromtimestamp(int(fixed), tz=dt.UTC) if fixed.isdigit() else dt.datetime.now(tz=dt.UTC)
