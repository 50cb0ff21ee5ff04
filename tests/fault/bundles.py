"""Offices without a network: what they record travels in bundle files that are carried, cut, flipped, mixed up, taken in twice and by strangers, while
they sometimes find the network after all. In the end everything is there once, and nothing of a damaged file was taken."""
import random
import sqlite3
from pathlib import Path

import check
import homes
import kills
import lx

PASSWORD = "right-horse-7"
OFFICES = (("school_admin", "3401030001"), ("school_admin", "3401030002"))
CARRIERS = (("head", "3401040001-01"), ("inspector", "340104"))  # of another district
DONE, REFUSED, PARTLY = 0, 3, 8                                  # exit codes of the client


class Office:
    """A home that finds the server only when it is let."""

    def __init__(self, city: lx.Deployment, number: int, role: str, unit: str):
        self.city, self.role, self.unit, self.name = city, role, unit, f"bundle.{number}"
        city.user(self.name, role, unit, PASSWORD)
        self.home = city.home().enrol(unit).login(self.name, PASSWORD)
        self.home.run("sync")
        self.said: list = []      # items that the program said are recorded
        self.files: list = []     # bundles that it wrote, not all of them carried
        self.receipts: list = []  # that carriers brought back

    def let(self, address: str) -> None:
        with sqlite3.connect(self.home.folder / "lianxiao.db", timeout=60) as db:
            db.execute("update config set value = ? where name = 'server'", (address.encode(),))

    def record(self) -> None:
        item = f"{self.name}.{len(self.said)}"
        self.home.run("record", "add", "discussion", self.unit, "--item", item, "--at", "2021-07-01")
        self.said.append(item)

    def write(self) -> bool:
        path = self.city.folder / f"{self.name}.{len(self.files)}.lxb"
        if self.home.json("bundle", "write", path)["operations"] == 0:
            return False
        self.files.append(path)
        return True

    def sync(self) -> None:
        self.let(self.city.server.address)
        self.home.run("sync")
        self.let("127.0.0.1:1")


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Cut, flipped, its pieces in another order, something behind it."""
    how, at = rng.randrange(4), rng.randrange(1, len(data))
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
    return data[at:] + data[:at] if how == 2 else data + data[:at]


class Roads:
    """The offices of a city, who carries, and what has happened."""

    def __init__(self, city: lx.Deployment, seed: int):
        self.city, self.rng = city, random.Random(seed)
        self.offices = [Office(city, n, role, unit) for n, (role, unit) in enumerate(OFFICES)]
        self.carriers = [Office(city, 10 + n, role, unit) for n, (role, unit) in enumerate(CARRIERS)]
        self.counts = {"bundles": 0, "damaged": 0, "carried": 0, "receipts": 0, "syncs": 0}
        for office in self.offices:
            office.let("127.0.0.1:1")

    def stored(self) -> list:
        return self.city.cluster.sql("select count(*), md5(coalesce(string_agg(id::text, ',' order by id), '')) from fact")

    def carry(self, office: Office) -> None:
        if not office.files:
            return
        receipt = self.city.folder / f"{office.name}.{self.counts['carried']}.receipt"
        words = ["bundle", "carry", *self.rng.sample(office.files, min(len(office.files), self.rng.choice((1, 1, 2, 3))))]
        if self.rng.random() < 0.7 and len(words) == 3:
            words += ["--receipt", receipt]
        for _ in range(self.rng.choice((1, 1, 2))):  # twice: the road was long
            told = self.rng.choice(self.carriers).home.run(*words, check=False)
            assert told.returncode in (DONE, PARTLY), told.stderr
            self.counts["carried"] += 1
            if receipt.exists():
                office.receipts.append(receipt)
                break

    def spoil(self, office: Office) -> None:
        """Nothing of it is taken in; the carrier is told."""
        if not office.files:
            return
        whole = self.rng.choice(office.files).read_bytes()
        bad, before = self.city.folder / "damaged.lxb", self.stored()
        bad.write_bytes(damaged(whole, self.rng))
        if bad.read_bytes() == whole:
            return
        told = self.rng.choice(self.carriers).home.run("bundle", "carry", bad, check=False)
        assert told.returncode == REFUSED, f"{told.returncode}: {told.stdout}{told.stderr}"
        assert self.stored() == before, "wrongly taken"
        self.counts["damaged"] += 1

    def bring_back(self, office: Office) -> None:
        if office.receipts:
            told = office.home.run("bundle", "receipt", self.rng.choice(office.receipts), check=False)
            assert told.returncode in (DONE, PARTLY), told.stderr
            self.counts["receipts"] += 1

    def step(self) -> None:
        office, dice = self.rng.choice(self.offices), self.rng.random()
        if dice < 0.3:
            for _ in range(self.rng.randint(1, 3)):
                office.record()
            self.counts["bundles"] += office.write()
        elif dice < 0.55:
            self.carry(office)
        elif dice < 0.7:
            self.spoil(office)
        elif dice < 0.92:
            self.bring_back(office)
        else:
            office.sync()
            self.counts["syncs"] += 1

    def settle(self) -> None:
        """Everybody finds the network; queues drain."""
        for office in self.offices:
            office.sync()
            office.let(self.city.server.address)
            office.home.run("sync")
            assert homes.waiting(office.home) == 0, f"{office.name} still has something to send"

    def check(self) -> dict:
        count = dict(self.city.cluster.sql("select item, count(*) from fact where kind = 2 group by item"))
        said = [item for office in self.offices for item in office.said]
        lost = [item for item in said if item not in count]
        doubled = [item for item, times in count.items() if times != "1"]
        assert not lost and not doubled, f"lost: {lost[:5]}, doubled: {doubled[:5]}"
        return {**self.counts, "recorded": len(said), "lost": 0, "doubled": 0, "wrongly_taken": 0}


def travel(city: lx.Deployment, folder: Path, seed: int, more) -> dict:
    """Steps while more(bundles) says so, then everything is looked at. Returns the counts; AssertionError: a finding."""
    roads = Roads(city, seed)
    while more(roads.counts["bundles"]):
        roads.step()
    roads.settle()
    kills.figures_done(city)
    for office in roads.offices:
        office.home.run("sync")
    (folder / "histories").mkdir()
    for office in roads.offices:
        homes.write_history(office.home, folder / "histories" / f"{office.name}.jsonl", office.role, office.unit)
    counts = roads.check()
    counts["acknowledged"] = check.check_city(city, folder / "histories").counts["acknowledged"]
    return counts
