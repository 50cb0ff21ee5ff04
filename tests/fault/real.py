"""The real stack under faults: many homes with `lianxiao sync --watch` and people who record beside it, behind the fault
proxy; watchers and workers are killed, teachers move. After the heal every queue is empty within a minute, and all promises hold.
"""
import csv
import random
import subprocess
import threading
import time
from pathlib import Path

import check
import homes
import kills
import load
import lx
import proxied

PASSWORD = "right-horse-7"
DRAIN_S = 60  # after the heal


class User:
    """One home with its watcher, and a person who records at it."""

    def __init__(self, city: lx.Deployment, number: int, role: str, unit: str, seed: int):
        self.city, self.role, self.unit = city, role, unit
        self.name = f"{number:02d}-{unit}"
        self.rng = random.Random(seed * 1000 + number)
        self.home = city.home()
        self.watcher = None
        self.teachers = [f"u{number}t{n}" for n in range(3)] if role == "school_admin" else []
        self.said: list[str] = []       # items that the program said are recorded
        self.begun = self.killed = self.imports = 0
        self.fault = None

    def enrol(self, address: str) -> None:
        account = f"real.{self.name}"
        self.city.user(account, self.role, self.unit, PASSWORD)
        self.home.run("enroll", "--server", address, "--ca", self.city.tls / "ca.pem", "--code", self.city.code(self.unit))
        self.home.login(account, PASSWORD)
        self.home.run("sync")
        self.place_teachers()

    def watch(self) -> None:
        with open(f"{self.home.folder}.log", "ab") as log:
            self.watcher = subprocess.Popen([str(lx.BUILD / "client/cli/lianxiao"), "sync", "--watch", "--home", str(self.home.folder)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end_watch(self) -> None:
        if self.watcher is not None:
            self.watcher.kill()
            self.watcher.wait()
            self.watcher = None

    def place_teachers(self) -> None:
        """A roster file that puts every teacher of this home into a workshop: the first time they come, later they move."""
        if not self.teachers:
            return
        path = Path(f"{self.home.folder}.csv")
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["学校", "工作坊", "姓名", "平台账号", "教师资格证", "在岗", "在编"])
            for teacher in self.teachers:
                workshop = f"{self.unit}-{self.rng.randint(1, load.WORKSHOPS):02d}"
                writer.writerow([self.unit, workshop, f"教师{teacher}", teacher, "是", "是", "是"])
        self.home.run("roster", "import", path, "--apply", check=self.imports == 0)
        self.imports += 1

    def record(self) -> None:
        self.begun += 1
        item = f"{self.name}.{self.begun}"
        if self.rng.random() < 0.6:
            words = ("discussion", self.unit, "--item", item)
        else:
            words = ("discussion", self.rng.choice(self.teachers), "--item", item)
        if self.home.run("record", "add", *words, "--at", "2021-11-15", check=False).returncode == 0:
            self.said.append(item)

    def step(self) -> None:
        choice = self.rng.random()
        if choice < 0.06:
            self.end_watch()
            self.killed += 1
            self.watch()
        elif self.teachers and choice < 0.12:
            self.place_teachers()
        elif self.teachers:
            self.record()

    def live(self, stopping: threading.Event, pause_s: float) -> None:
        try:
            while not stopping.wait(self.rng.uniform(0.2, 1.8) * pause_s):
                self.step()
        except BaseException as fault:  # noqa: BLE001  (the test's thread looks at it)
            self.fault = fault


def seats(count: int) -> list[tuple[str, str]]:
    schools = [("school_admin", s) for below in load.SCHOOLS.values() for s in below]
    return ([("city_admin", "340100"), ("district_admin", "340103")] + schools * count)[:count]


def drain(users: list[User], seconds: float) -> float:
    """How long it took until every queue was empty."""
    started = time.monotonic()
    try:
        lx.wait_until(lambda: not any(homes.waiting(u.home) for u in users), seconds, "every queue is empty after the heal")
    except AssertionError as fault:
        left = {u.name: homes.waiting(u.home) for u in users if homes.waiting(u.home)}
        logs = "\n".join(f"{u.name}: {Path(f'{u.home.folder}.log').read_text(errors='replace')[-300:]!r}" for u in users if u.name in left)
        raise AssertionError(f"{fault}: {left}\n{logs}") from None
    return time.monotonic() - started


def check_said(city: lx.Deployment, users: list[User]) -> int:
    """What a program said is recorded is there once; what it did not say, once or not at all."""
    stored = [row[0] for row in city.cluster.sql("select item from fact where kind = 2")]
    assert len(stored) == len(set(stored)), "a record is there twice"
    said = {item for user in users for item in user.said}
    refused = set()
    for user in users:
        refused |= {e["item"] for e in user.home.json("outbox", "--all") if e["state"] == "refused" and e.get("item")}
    assert said <= set(stored) | refused, f"lost: {sorted(said - set(stored) - refused)[:5]}"
    return len(said)


def disturb(city: lx.Deployment, proxy: proxied.Proxy, users: list, rng: random.Random) -> int:
    """The number of server processes killed, 0 or 1."""
    if rng.random() < 0.3:
        proxy.order("cut")
    for user in users:
        assert user.fault is None, f"{user.name}: {user.fault!r}"
    if rng.random() < 0.4:
        kills.kill_child(city, rng, rng.choice(["worker", "assessor"]))
        return 1
    return 0


def live_under_faults(city: lx.Deployment, folder: Path, seed: int, seconds: float, count: int, pause_s: float) -> dict:
    """The counts; AssertionError: a finding."""
    rng = random.Random(seed)
    load.build_town(city)
    city.server.start()
    users = [User(city, n, role, unit, seed) for n, (role, unit) in enumerate(seats(count), 1)]
    stopping = threading.Event()
    threads = [threading.Thread(target=user.live, args=(stopping, pause_s)) for user in users]
    killed, started = 0, 0.0
    with proxied.Proxy(city.server.port, seed, folder / "proxy.log") as proxy:
        try:
            proxy.order("heal")
            for user in users:
                user.enrol(proxy.address)
            proxy.order("faults")
            started = time.monotonic()
            for user, thread in zip(users, threads):
                user.watch()
                thread.start()
            while time.monotonic() < started + seconds:
                time.sleep(rng.uniform(0.5, 2))
                killed += disturb(city, proxy, users, rng)
            stopping.set()
            for thread in threads:
                thread.join(120)
            minutes = (time.monotonic() - started) / 60 * count
            faults = proxy.counts()
            proxy.order("heal")
            drained = drain(users, DRAIN_S)
            kills.figures_done(city)
            for user in users:
                user.end_watch()
                assert user.fault is None, f"{user.name}: {user.fault!r}"
                user.home.run("sync")
        finally:
            stopping.set()
            for user, thread in zip(users, threads):
                if thread.ident is not None:
                    thread.join(120)
                user.end_watch()
    (folder / "histories").mkdir()
    for user in users:
        homes.write_history(user.home, folder / "histories" / f"{user.name}.jsonl", user.role, user.unit)
    said = check_said(city, users)
    checker = check.check_city(city, folder / "histories")
    return {"client_minutes": round(minutes, 1), "violations": 0, "lost": 0, "recorded": said, "server_kills": killed,
            "client_kills": sum(u.killed for u in users), "connections": faults["connections"], "cut": faults["cut"],
            "half_open": faults["half_open"], "corrupted": faults["corrupt"], "delayed": faults["delay"],
            "throttled": faults["throttle"], "drain_s_sum": round(drained, 1), "acknowledged": checker.counts["acknowledged"],
            "refused": checker.counts["refused"]}
