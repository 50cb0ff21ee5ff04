"""Discrete events: clients come, each goes through its requests, each request waits for a processor, a push for a writer and the disk, too.

A processor is taken in the order of arrival. A writer holds one push at a time through its disk sync. The assessor works beside, with one
processor, on the teachers that pushes have changed; there may be several, each with its districts. Time is seconds; the random numbers come from a seed, so a run can be repeated.
"""
import heapq
import random
from typing import Iterable, NamedTuple

import costs as measured

SYNC_S = 0.002      # of one disk sync
ROUND_MOST = 400    # of the assessor's round, in teachers
NOBODY = -1


class Step(NamedTuple):
    cpu_s: float
    writes: bool = False
    teachers: int = 0   # that the assessor scores afterwards


class Machine(NamedTuple):
    cores: int
    assessors: int = 1  # one a node; each takes the districts that no other has

    @property
    def writers(self) -> int:
        return max(2, self.cores)


class Outcome(NamedTuple):
    requests: int
    busy: float          # share of all cores
    p50_s: float         # of an answer
    p99_s: float
    session_p99_s: float # of all requests of one client together
    fresh_p99_s: float   # from an acknowledgement into the figures
    last_s: float        # when the last client was served


class Station:
    """So many servers, first come, first served."""

    def __init__(self, servers: int):
        self.free = [0.0] * servers
        self.used = 0.0

    def take(self, now: float, seconds: float) -> float:
        """When it is done."""
        begin = max(now, heapq.heappop(self.free))
        heapq.heappush(self.free, begin + seconds)
        self.used += seconds
        return begin + seconds


def scoring_s(costs: measured.Costs, pushes: int, teachers: int) -> float:
    """Every push is of a school of its own, whose units are scored, too."""
    return pushes * costs.round + teachers * costs.assess


class Assessor:
    """Rounds of what has changed since the last; it begins the next when one is done."""

    def __init__(self, costs: measured.Costs):
        self.costs, self.free = costs, 0.0
        self.waiting: list[tuple[float, int]] = []
        self.lags: list[float] = []

    def add(self, now: float, teachers: int) -> None:
        self.run(now)
        self.waiting.append((now, teachers))

    def run(self, until: float) -> None:
        """All rounds that begin before then."""
        while self.waiting and max(self.free, self.waiting[0][0]) < until:
            begin = max(self.free, self.waiting[0][0])
            taken = teachers = 0
            for since, count in self.waiting:
                if since > begin or (taken > 0 and teachers + count > ROUND_MOST):
                    break
                taken, teachers = taken + 1, teachers + count
            self.free = begin + scoring_s(self.costs, taken, teachers)
            self.lags += [self.free - since for since, _ in self.waiting[:taken]]
            del self.waiting[:taken]


def share(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def run(machine: Machine, clients: Iterable[tuple[float, list[Step]]], costs: measured.Costs) -> Outcome:
    """Clients: when each comes and what it asks, one after another."""
    cores, writers = Station(machine.cores), Station(machine.writers)
    assessors = [Assessor(costs) for _ in range(machine.assessors)]
    # When, whose, which step, whether its processor time is done, when the client came, when the step began, all steps; no client: scoring.
    events = [(at, number, 0, False, at, at, steps) for number, (at, steps) in enumerate(clients)]
    heapq.heapify(events)
    answers, sessions, last = [], [], 0.0
    while events:
        now, number, place, computed, came, asked, steps = heapq.heappop(events)
        if number == NOBODY:
            cores.take(now, steps[0].cpu_s)
            continue
        if place == len(steps):
            sessions.append(now - came)
            last = max(last, now)
            continue
        step = steps[place]
        if not computed:
            heapq.heappush(events, (cores.take(now, step.cpu_s), number, place, True, came, now, steps))
            continue
        done = writers.take(now, SYNC_S) if step.writes else now
        if step.teachers:
            assessors[number % machine.assessors].add(done, step.teachers)
            heapq.heappush(events, (done, NOBODY, 0, False, done, done, [Step(scoring_s(costs, 1, step.teachers))]))
        answers.append(done - asked)
        heapq.heappush(events, (done, number, place + 1, False, came, done, steps))
    for assessor in assessors:
        assessor.run(float("inf"))
    span = max(last, 1e-9)
    return Outcome(len(answers), cores.used / span / machine.cores, share(answers, 0.5), share(answers, 0.99), share(sessions, 0.99),
                   share([lag for assessor in assessors for lag in assessor.lags], 0.99), last)


# ---- who comes ----

class Habits(NamedTuple):
    """What people do on a deadline day: assumptions, shown on the page."""
    teachers_a_client: int = 20
    records_a_teacher: int = 12
    syncs_a_day: int = 6
    peak_share: float = 0.25       # of the day's syncs fall into the busiest hour
    streams: int = 3               # that a client asks about
    moved_streams: int = 2         # of these have something new
    figures_share: float = 0.1     # of the syncs are followed by a look at the figures


def sync_steps(costs: measured.Costs, habits: Habits, chance: random.Random, storm: bool = False) -> list[Step]:
    """One client's sync: login, push, its streams, perhaps the figures. In the storm it has nothing to say."""
    steps = [Step(costs.login)]
    if not storm:
        records = max(1, round(habits.teachers_a_client * habits.records_a_teacher / habits.syncs_a_day * chance.uniform(0.5, 1.5)))
        steps.append(Step(measured.push_seconds(costs, records), True, min(habits.teachers_a_client, records)))
    steps += [Step(costs.nothing)] * (habits.streams - habits.moved_streams) + [Step(costs.page)] * habits.moved_streams
    if chance.random() < habits.figures_share:
        steps.append(Step(costs.statistics))
    return steps


def peak(costs: measured.Costs, teachers: int, habits: Habits, seed: int, seconds: float) -> list[tuple[float, list[Step]]]:
    """Some seconds of the busiest hour: clients come by chance."""
    chance = random.Random(seed)
    count = round(teachers / habits.teachers_a_client * habits.syncs_a_day * habits.peak_share * seconds / 3600)
    return [(chance.uniform(0, seconds), sync_steps(costs, habits, chance)) for _ in range(max(1, count))]


def storm(costs: measured.Costs, clients: int, habits: Habits, seed: int, jitter_s: float) -> list[tuple[float, list[Step]]]:
    """Everybody comes back after an outage, each after a wait by chance."""
    chance = random.Random(seed)
    return [(chance.uniform(0, jitter_s), sync_steps(costs, habits, chance, storm=True)) for _ in range(clients)]
