"""Bundles on their roads: the short form of the campaign bundle."""
import bundles


def test_bundles_on_their_roads(city, tmp_path):
    counts = bundles.travel(city, tmp_path, 2, lambda written: written < 12)
    print(counts)
    assert counts["carried"] > 5 and counts["damaged"] > 2 and counts["receipts"] > 0 and counts["acknowledged"] >= counts["recorded"] > 10
