"""Something that is there already stands in the way of a push, and stays there: the sender is told so and what to do, in bounded tries, and what waits behind it goes.

What it is nobody can say beforehand (a rule would know it), so here a trigger is it.
"""
import contextlib
import uuid

import lx
import pytest

import behaviour
from behaviour import OTHER_WORKSHOP, PARTLY, SCHOOL, WORKSHOP, Teacher, bring, office
from test_behaviour_push import REASON, ledger, make_teacher, next_op, office as protocol

TRIES = 20  # far more than there may be: an endless repetition has hundreds in the time of a test


@contextlib.contextmanager
def obstacle(city: lx.Deployment, table: str, condition: str):
    """As if a row were there already, for what fits the condition; yields how often it was met (rolled back, so a sequence counts)."""
    name = f"obstacle_{next(behaviour.NUMBERS)}"
    city.cluster.sql(f"""create sequence public.{name}; grant usage on sequence public.{name} to public;
        create function public.{name}() returns trigger language plpgsql as $$ begin
          perform nextval('public.{name}');
          raise exception 'in the way' using errcode = 'unique_violation', constraint = '{table}_pkey';
        end $$;
        create trigger {name} before insert on {table} for each row when ({condition}) execute function public.{name}()""")
    try:
        yield lambda: int(city.cluster.sql(f"select last_value - (not is_called)::int from public.{name}")[0][0])
    finally:
        city.cluster.sql(f"drop function public.{name} cascade; drop sequence public.{name}")


def test_a_change_that_cannot_be_done_is_refused_alone(behaving, tmp_path):
    """Somebody new, first in the stream: all behind him arrive with the same sync."""
    home = office(behaving, "school_admin", SCHOOL)
    stopped, *others = [Teacher(WORKSHOP) for _ in range(3)]
    with obstacle(behaving, "person", f"new.account = '{stopped.account}'") as met:
        home.json("roster", "import", behaviour.write_csv(tmp_path / "roster.csv", [t.row() for t in (stopped, *others)]), "--apply")
        told = home.run("sync", "--json", check=False)
        assert told.returncode == PARTLY, told
        assert 0 < met() < TRIES
        reasons = [entry["reason"] for entry in home.json("outbox")]
        assert any("ask the operators" in (reason or "") for reason in reasons), reasons
        assert lx.json.loads(told.stdout)["waiting"] == 0, "nothing goes again by itself"
        tried = met()
        bring(home, tmp_path, [Teacher(WORKSHOP)])
        assert met() == tried, "nor does it with the next sync"
    names = ", ".join(f"'{t.account}'" for t in (stopped, *others))
    arrived = behaving.cluster.sql(f"select account from person where account in ({names})")
    assert sorted(arrived) == sorted([t.account] for t in others)


@pytest.mark.parametrize("facts", [False, True])
def test_a_group_that_cannot_be_stored_holds_no_other(behaving, tmp_path, facts):
    """Where no single operation is at fault the group waits: refused by name, kept by its sender, and stored when the way is free."""
    with protocol.login(behaving, tmp_path, "school_admin", SCHOOL) as connection:
        streams = [protocol.unit_id(behaving, code) for code in (WORKSHOP, OTHER_WORKSHOP)]
        people = [make_teacher(behaving, connection, code) for code in (WORKSHOP, OTHER_WORKSHOP)]
        operations = [[protocol.hours(person, 100)] if facts else protocol.teacher(stream, next(behaviour.NUMBERS) + 80000)[1]
                      for stream, person in zip(streams, people)]
        request = ledger.PushRequest(groups=[
            ledger.PushGroup(stream=stream, first_op_seq=next_op(connection, stream), operations=[o.SerializeToString() for o in some])
            for stream, some in zip(streams, operations)])
        push = lambda: connection.call("PUSH", request, ledger.PushReply).groups  # noqa: E731
        with obstacle(behaving, "op_run", f"new.stream = '{uuid.UUID(bytes=streams[0])}'") as met:
            stopped, other = push()
            assert (stopped.verdict, REASON[stopped.reason.reason]["id"]) == (ledger.GROUP_REFUSED, "group_clash")
            assert "Tell the operators" in stopped.reason.text
            assert other.verdict == ledger.GROUP_DONE and not other.refused
            assert 0 < met() < TRIES
        assert [(group.verdict, len(group.refused)) for group in push()] == [(ledger.GROUP_DONE, 0), (ledger.GROUP_REPEATED, 0)]
