"""Clients whose clocks are ten years off, or jump: they enrol, log in, record and sync as others do, what they store is the
same, and they are told."""
import json
from pathlib import Path

import lx
import pytest

SCHOOL = "3401030001"
PASSWORD = "correct-horse-1"
YEAR_MS = 365 * 24 * 3600 * 1000
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


class WrongHome(lx.Home):
    """A home whose programs see the clocks of `clocks`, one after the other."""

    def __init__(self, folder: Path, city: lx.Deployment, clocks: list):
        super().__init__(folder, city)
        self.clocks, self.calls = clocks, 0

    def run(self, *words, check=True, stdin="", lang="C.UTF-8"):
        self.calls += 1
        return lx.run([lx.BUILD / "client/cli/lianxiao", *words, "--home", self.folder], check=check, stdin=stdin,
                      env={"LC_ALL": lang, "LANGUAGE": "", "LD_PRELOAD": str(LIBRARY),
                           "FAKETIME": self.clocks[self.calls % len(self.clocks)],
                           "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"})


@pytest.mark.parametrize("clocks", [["-10y"], ["+10y"], ["-10y", "+10y", "+1d", "-1d"]], ids=["behind", "ahead", "jumping"])
def test_wrong_clock_does_no_harm(city, tmp_path, clocks):
    city.user("clock", "school_admin", SCHOOL, PASSWORD)
    home = WrongHome(tmp_path / "home", city, clocks).enrol(SCHOOL).login("clock", PASSWORD)
    home.run("sync")
    said = []
    for n in range(4):
        said.append(home.run("record", "add", "discussion", SCHOOL, "--item", f"c{n}", "--at", "2021-07-01").stderr)
    home.run("sync")
    assert city.cluster.sql("select item, extract(epoch from occurred_at)::bigint from fact where kind = 2 order by item") == \
        [[f"c{n}", "1625068800"] for n in range(4)]
    assert {e["state"] for e in home.json("outbox", "--all")} == {"stored"}
    wrong = ["this machine's clock is wrong" in text for text in said]
    assert all(wrong) if len(clocks) == 1 else any(wrong)
    skew = json.loads(home.run("status", "--json").stdout)["skew_ms"]
    if len(clocks) == 1:
        assert abs(abs(skew) - 10 * YEAR_MS) < 10 * 24 * 3600 * 1000 and (skew > 0) == (clocks[0] == "-10y")
        assert "clock" in home.run("status").stdout
    home.run("logout")
