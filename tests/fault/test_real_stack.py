"""Real clients, server and database behind the fault proxy: the short form of the campaign real_stack."""
import lx
import real


def test_the_real_stack_under_faults(tmp_path):
    with lx.Deployment(drain_timeout_ms=200) as city:
        counts = real.live_under_faults(city, tmp_path, 3, 15, 6, 0.5)
    print(counts)
    assert counts["recorded"] > 5 and counts["connections"] > 10
    assert counts["cut"] + counts["half_open"] + counts["corrupted"] + counts["delayed"] + counts["throttled"] > 3
