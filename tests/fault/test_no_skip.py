"""No committed change is passed by, and a server that does pass one by is found out."""
import pytest

import follow
import lx


def test_followers_get_every_row(tmp_path):
    with lx.Deployment(drain_timeout_ms=200) as city:
        counts = follow.follow_under_load(city, tmp_path, 1, 12, 3, 3, {})
    print(counts)
    assert counts["rows"] > 1000 and counts["compared"] > 100 and counts["disturbances"] > 3


def test_a_skipped_row_is_found(tmp_path):
    with lx.Deployment(drain_timeout_ms=200) as city, pytest.raises(AssertionError, match="rows here"):
        follow.follow_under_load(city, tmp_path, 1, 60, 2, 1, {"LX_PLANT": "skipped_row"})
