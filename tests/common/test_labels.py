"""labels.txt."""

import json

import pytest

from common.errors import UserError
from common.labels import read_labels

EMOTIONS = ["anger", "joy", "sadness"]


@pytest.mark.parametrize(
    "data, says",
    [
        (b"anger\n\njoy\n", "blank, repeated or unprintable"),
        (b"anger\njoy\njoy\n", "blank, repeated"),
        (b"anger\njo\x07y\nsadness\n", "unprintable"),
        ("anger\njoy\ntristesse fatigu\u00e9e\n".encode("latin-1"), "not UTF-8; save it as UTF-8"),
        ("anger\njoy\nsadness\n".encode("utf-16"), "not UTF-8"),
        ("anger\njoy\nsadness\n".encode("utf-16-le"), "unprintable"),
        (b"anger\njoy\n", "2 labels for a network with 3 outputs"),
    ],
)
def test_what_is_refused(tmp_path, data, says):
    path = tmp_path / "labels.txt"
    path.write_bytes(data)
    with pytest.raises(UserError, match=says):
        read_labels(path, 3)


def test_an_order_that_is_not_the_networks_is_refused(tmp_path):
    """Names that a user chose are accepted: they differ from those of metrics.json."""
    path, metrics = tmp_path / "labels.txt", tmp_path / "metrics.json"
    path.write_bytes(b"\xef\xbb\xbfsadness\r\n anger\r\njoy")
    assert read_labels(path, 3) == ["sadness", "anger", "joy"]
    metrics.write_text(json.dumps({"val": {"folder": {"per_class": dict.fromkeys(EMOTIONS)}}}))
    with pytest.raises(UserError, match=r"not in the same order as metrics\.json"):
        read_labels(path, 3)
    path.write_text("anger\njoy\nsadness\n")
    assert read_labels(path, 3) == EMOTIONS
    path.write_text("traurig\nwütend\nfroh\n", encoding="utf-8")
    assert read_labels(path, 3) == ["traurig", "wütend", "froh"]
    odd = '{"val": {"folder": {"per_class": [1, "a", [2]]}}}', "[" * 200_000
    for text in ("{}", "no JSON", '{"val": {}}', '{"val": []}', '{"val": {"folder": 3}}', *odd):
        metrics.write_text(text)
        assert len(read_labels(path, 3)) == 3
