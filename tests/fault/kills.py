"""kill -9 of the server's processes, of PostgreSQL and of a school's move between districts, and the frame of a test or campaign that does it under load."""
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import autopsy
import check
import load
import lx


def kill_child(city: lx.Deployment, rng: random.Random, role: str) -> None:
    victims = lx.wait_until(lambda: city.server.children(role), 30, f"a {role}")
    victim = rng.choice(victims)
    os.kill(victim, signal.SIGKILL)
    lx.wait_until(lambda: [p for p in city.server.children(role) if p != victim], 30, f"a new {role}")


def kill_worker(city: lx.Deployment, rng: random.Random) -> None:
    kill_child(city, rng, "worker")


def kill_assessor(city: lx.Deployment, rng: random.Random) -> None:
    kill_child(city, rng, "assessor")


def kill_master(city: lx.Deployment, _rng: random.Random) -> None:
    """Its children end with it, and a new one listens on the same port at once."""
    children = city.server.children()
    city.server.stop(signal.SIGKILL)
    lx.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 30, "its children end, too")
    city.server.start()


def restart(city: lx.Deployment, _rng: random.Random) -> None:
    """As for an upgrade: what is in flight is answered, then the next one begins; sockets that were handed over stay."""
    city.server.stop()
    city.server.launch()


def kill_database(city: lx.Deployment, _rng: random.Random) -> None:
    os.kill(city.cluster.postmaster(), signal.SIGKILL)
    lx.wait_until(lambda: start_again(city), 60, "PostgreSQL starts again")


def start_again(city: lx.Deployment) -> bool:
    # Its children may hold the shared memory for a moment after the postmaster is gone.
    try:
        city.cluster.start()
        return True
    except lx.Failed:
        return False


def move_school(city: lx.Deployment, rng: random.Random) -> None:
    """A school to the other district and back, the tool killed in the middle of each way, then told again."""
    tool = [lx.BUILD / "server/ctl/lianxiaoctl", "unit", "move", TRAVELLER, "--to"]
    for district in ("340103", "340104"):
        with subprocess.Popen([*tool, district], env={**os.environ, "LIANXIAO_DSN": city.cluster.dsn}, stdout=subprocess.DEVNULL) as killed:
            time.sleep(rng.uniform(0, 0.2))
            killed.kill()
        city.ctl("unit", "move", TRAVELLER, "--to", district)
        time.sleep(rng.uniform(0, 0.5))


TRAVELLER = "3401040001"  # a school of the district whose office has no client in the load
SHARES = {"worker": 3, "assessor": 2, "master": 1, "database": 1, "restart": 1, "move": 2}
KINDS = {"worker": kill_worker, "assessor": kill_assessor, "master": kill_master, "database": kill_database, "restart": restart, "move": move_school}


def figures_done(city: lx.Deployment) -> None:
    lx.wait_until(city.cluster.is_assessed, 120, "the assessor has come to an end")


def kill_under_load(city: lx.Deployment, folder: Path, seed: int, kinds: list, more, clients: int = 8, **options) -> dict:
    """Kills one of `kinds` after another at random moments while more(kills) says so; then everybody pulls and the checker
    looks. Returns the counts; AssertionError: a finding."""
    rng = random.Random(seed)
    load.build_town(city)
    city.server.start()
    seats = load.Town(city).seats(folder, clients)
    histories = folder / "histories"
    kills = dict.fromkeys(kinds, 0)
    with load.Fleet(seats, histories, seed, **options) as fleet, autopsy.kept(city, folder, fleet):
        fleet.await_progress()
        while more(sum(kills.values())):
            time.sleep(rng.uniform(0, 0.3))
            kind = min(kills, key=lambda k: (kills[k] / SHARES[k], rng.random()))
            KINDS[kind](city, rng)
            kills[kind] += 1
            if kind == "database":
                city.cluster.amcheck()
            if kind == "database" or rng.random() < 0.1:
                fleet.await_progress()
            fleet.complain()
        fleet.await_progress()
        fleet.finish(when_quiet=lambda: figures_done(city))
        sent_again, pulled = sum(fleet.repeats), sum(fleet.pulled)
    checker = check.check_city(city, histories)
    counts = {"kills": sum(kills.values()), "lost": 0, "doubled": 0, "violations": 0, "answered_again": sent_again,
              "pulled_rows": pulled, **{f"kills_{kind}": n for kind, n in kills.items() if len(kinds) > 1}}
    return {**counts, **{k: checker.counts[k] for k in ("acknowledged", "refused", "unacknowledged")}}
