"""The load: a town with offices, and many clients in several processes.

    town = Town(deployment); seats = town.seats(folder, 50)
    with Fleet(seats, folder, seed) as fleet:
        fleet.await_progress()
        ...
        fleet.finish()          # everybody pulls everything; histories are whole
"""
import faulthandler
import multiprocessing
import os
import signal
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import client
import lx
import office
import peer

SCHOOLS = {"340103": ["3401030001", "3401030002", "3401030003"], "340104": ["3401040001", "3401040002", "3401040003"]}
WORKSHOPS = 4


def write_units(path: Path) -> Path:
    lines = ["code,name,level,parent,district", "340100,市,city,,0"]
    for number, (district, schools) in enumerate(SCHOOLS.items(), 1):
        lines.append(f"{district},区{number},district,340100,{number}")
        for school in schools:
            lines.append(f"{school},学校{school},school,{district},{number}")
            lines += [f"{school}-{w:02d},坊{w},workshop,{school},{number}" for w in range(1, WORKSHOPS + 1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def build_town(city: lx.Deployment) -> None:
    city.ctl("unit", "import", write_units(city.folder / "units.csv"))
    city.ctl("programme", "start", lx.ROOT / "deploy/schemes/hefei-2021.yaml")


class Town:
    """Accounts and devices of the offices of a deployment whose server runs."""

    def __init__(self, city: lx.Deployment):
        self.city = city
        self.units = {code: bytes.fromhex(unit) for unit, code in
                      city.cluster.sql("select replace(id::text, '-', ''), code from unit")}
        self.accounts: dict = {}
        self.lock = threading.Lock()

    def account(self, role: str, unit: str) -> tuple[str, str]:
        """Name and password; one account an office, however many devices it has."""
        with self.lock:
            if (role, unit) not in self.accounts:
                name = f"{role.replace('_', '.')}.{unit}"
                self.city.user(name, role, unit, office.PASSWORD)
                self.accounts[role, unit] = name, office.PASSWORD
            return self.accounts[role, unit]

    def sit(self, folder: Path, number: int, role: str, unit: str) -> client.Seat:
        name, password = self.account(role, unit)
        ca, address = self.city.tls / "ca.pem", self.city.server.address
        device = peer.Device(folder / f"device-{number}")
        with peer.Connection(address, ca) as connection:
            connection.hello()
            connection.enrol(self.city.code(unit), device)
        with peer.Connection(address, ca, device) as connection:
            device_id = connection.hello().device
            reply = connection.login(name, password)
            if reply.must_change_password:
                connection.call("CHANGE_PASSWORD", peer.account.ChangePasswordRequest(
                    old_password=password, new_password=password + "!"), peer.account.ChangePasswordReply)
                self.accounts[role, unit] = name, password + "!"
        school = self.units[unit] if role == "school_admin" else b""
        below = [unit] if role == "school_admin" else SCHOOLS.get(unit, [])
        places = [self.units[f"{s}-{w:02d}"] for s in below for w in range(1, WORKSHOPS + 1)]
        return client.Seat(f"{number:03d}-{name}", role, unit, address, ca, device, device_id, reply.session_token,
                           school, places)

    def seats(self, folder: Path, count: int) -> list[client.Seat]:
        """The city and a district first, then schools in turn."""
        schools = [s for below in SCHOOLS.values() for s in below]
        roles = [("city_admin", "340100"), ("district_admin", "340103")]
        roles = (roles + [("school_admin", s) for s in schools] * count)[:count]
        first = {key: self.sit(folder, n, *key) for n, key in enumerate(dict.fromkeys(roles), 1)}
        others = roles[len(first):] if list(first) == roles[:len(first)] else []
        with ThreadPoolExecutor(2) as pool:
            more = pool.map(lambda n_key: self.sit(folder, n_key[0], *n_key[1]), enumerate(others, len(first) + 1))
            return list(first.values()) + list(more)


class Fleet:
    """Clients in `processes` processes, a thread each. Counters are shared: one place a client."""

    def __init__(self, seats: list, folder: Path, seed: int, processes: int = 2, kind=client.Client,
                 **options):
        self.kind = kind
        self.seats, self.folder, self.seed, self.options = seats, folder, seed, options
        folder.mkdir(exist_ok=True)
        fork = multiprocessing.get_context("fork")
        self.acknowledged = fork.Array("q", len(seats), lock=False)
        self.answers = fork.Array("q", len(seats), lock=False)
        self.refused = fork.Array("q", len(seats), lock=False)
        self.repeats = fork.Array("q", len(seats), lock=False)
        self.pulled = fork.Array("q", len(seats), lock=False)
        self.idle = fork.Array("b", len(seats), lock=False)
        self.stopping, self.pulling = fork.Event(), fork.Event()
        self.processes = [fork.Process(target=self._serve, args=(range(p, len(seats), processes),), daemon=True)
                          for p in range(processes)]

    def __enter__(self) -> "Fleet":
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_) -> None:
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join()

    # ---- in the processes ----

    def _serve(self, places) -> None:
        with open(self.folder / f"{os.getpid()}.stacks", "w", encoding="utf-8") as stacks:  # for autopsy.py
            faulthandler.register(signal.SIGUSR1, stacks, all_threads=True)
            self._run_all(places)
        os._exit(1 if self._failed(places) else 0)  # nothing of pytest runs at the end of a child

    def _run_all(self, places) -> None:
        threads = [threading.Thread(target=self._run, args=(place,)) for place in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _run(self, place: int) -> None:
        one = self.kind(self.seats[place], self.folder, self.seed * 1000 + place, **self.options)

        def note() -> None:
            self.acknowledged[place], self.refused[place] = one.acknowledged, one.refused
            self.repeats[place], self.pulled[place] = one.repeats, one.pulled
            self.answers[place] += 1

        one.on_answer = note
        try:
            one.run(self.stopping)
            self.idle[place] = 1
            self.pulling.wait()
            one.finish()
            note()
        except BaseException:  # noqa: BLE001  (the test's process reads it)
            self._fault(place).write_text(traceback.format_exc(), encoding="utf-8")

    def _fault(self, place: int) -> Path:
        return self.folder / f"{self.seats[place].name}.fault"

    def _failed(self, places) -> bool:
        return any(self._fault(place).exists() for place in places)

    # ---- in the test ----

    def complain(self) -> None:
        for place in range(len(self.seats)):
            assert not self._fault(place).exists(), self._fault(place).read_text(encoding="utf-8")
        assert all(p.exitcode in (None, 0) for p in self.processes), "a process of the load has died"

    def await_progress(self, seconds: float = 240) -> None:
        """Until every client has one more answer."""
        before = list(self.answers)

        def moved() -> bool:
            self.complain()
            return all(now > then for now, then in zip(self.answers, before))

        try:
            lx.wait_until(moved, seconds, "every client is answered again")
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.stuck(before)}") from None

    def stuck(self, before: list) -> str:
        """Those who were not answered since, and why as far as they know."""
        names = [seat.name for seat, now, then in zip(self.seats, self.answers, before) if now == then]
        reasons = [f"{p.name}: {p.read_text(encoding='utf-8').strip()}" for p in sorted(self.folder.glob("*.slow"))]
        return "\n".join([f"not answered: {', '.join(names)}", *reasons])

    def await_acknowledged(self, more: int, seconds: float = 120) -> None:
        goal = sum(self.acknowledged) + more

        def there() -> bool:
            self.complain()
            return sum(self.acknowledged) >= goal

        lx.wait_until(there, seconds, f"{more} operations more are acknowledged")

    def finish(self, seconds: float = 240, when_quiet=lambda: None) -> None:
        """Nobody writes any more; `when_quiet`; everybody pulls everything."""
        self.stopping.set()

        def quiet() -> bool:
            self.complain()
            return sum(self.idle) == len(self.seats)

        lx.wait_until(quiet, seconds, "every client has its last answer")
        when_quiet()
        self.pulling.set()
        for process in self.processes:
            process.join(seconds)
            assert process.exitcode is not None, "a client hangs at the end"
        self.complain()
