"""Times as text."""

import pytest

from common.console import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (3580, "1 h 0 min"), (3900, "1 h 5 min")],
)
def test_a_time_is_told_as_people_do(seconds, text):
    assert duration(seconds) == text
