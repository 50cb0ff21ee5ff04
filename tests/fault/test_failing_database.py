"""D6: no acknowledgement without durability, whatever call of PostgreSQL's disk fails. The long form is the campaign failing_database."""
import pytest

import failing_database
import lx


def test_each_kind_of_call_fails_under_load(tmp_path):
    with lx.Deployment(durable=True, drain_timeout_ms=500) as city:
        counts = failing_database.fail_under_load(city, tmp_path, 5, lambda done: done < len(failing_database.KINDS))
    assert all(counts[f"failures_{kind}"] == 1 for kind in failing_database.KINDS), counts
    assert counts["bytes_taken_back"] > 0 and counts["lost"] == counts["doubled"] == 0, counts


def test_an_acknowledgement_before_the_sync_is_found(tmp_path):
    """The drill can fail: commits that wait for no sync are acknowledged, and taken back with what was not synced. Who sees it first
    decides by what: the one who pushes next (a gap), the one who pulls next (his cursor is ahead), or the checker at the end."""
    with lx.Deployment(durable=True, drain_timeout_ms=500) as city:
        with pytest.raises(AssertionError, match="GROUP_GAP|I1|I4"):
            failing_database.fail_under_load(city, tmp_path, 5, lambda done: done < 6, kinds=("wal_sync",),
                                             sql="alter role lianxiao_api set synchronous_commit = off")
