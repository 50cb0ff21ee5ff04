"""One home, whatever happens around it: two programs at once, the server away, operations that the server refuses."""
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess

import lx
import pytest

import behaviour
from behaviour import BUSY, CHINESE, DONE, REFUSED, SCHOOL, WORKSHOP, Teacher, bring, courses, office

LIANXIAO = lx.BUILD / "client/cli/lianxiao"
ROUNDS = 5


# ---- two programs on one home ----


def start(home: lx.Home, *words, lang: str = "C.UTF-8") -> subprocess.Popen:
    return subprocess.Popen([str(word) for word in (LIANXIAO, *words, "--json", "--home", home.folder)], text=True,
                            env={**os.environ, "LC_ALL": lang, "LANGUAGE": ""}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)


def finish(program: subprocess.Popen) -> tuple[int, str, str]:
    out, err = program.communicate(timeout=120)
    return program.returncode, out, err


def test_programs_at_once_lose_and_double_nothing(behaving):
    home = office(behaving, "school_admin", SCHOOL)
    add = ("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2021-05-20")
    recorded, busy = [], 0
    for number in range(ROUNDS):
        programs = [start(home, *add), start(home, "sync"), start(home, *add), start(home, "sync"), start(home, "outbox")]
        if number == ROUNDS // 2:
            programs[1].send_signal(signal.SIGKILL)  # a killed program holds nothing
            finish(programs.pop(1))
        for program in programs:
            code, out, err = finish(program)
            assert code in (DONE, BUSY), (program.args, code, out, err)
            if code == BUSY:
                busy += 1
                assert re.search(r"pid \d+ \(lianxiao", err), f"it says who holds the home: {err}"
            elif "add" in program.args:
                recorded.append(lx.json.loads(out)["id"])
    assert home.json("sync")["waiting"] == 0
    print(f"{len(recorded)} recorded, {busy} times busy")
    assert len(recorded) >= ROUNDS and len(set(recorded)) == len(recorded)
    entries = home.json("outbox", "--all")
    assert [entry["state"] for entry in entries] == ["stored"] * len(recorded)
    listed = ", ".join(f"'{record}'" for record in recorded)
    assert behaving.cluster.sql(f"select count(*) from fact where id in ({listed})") == [[str(len(recorded))]]
    assert behaviour.waits_here(home) == 0


def test_a_held_home_names_its_holder(behaving):
    """Somebody keeps the lock for longer than a program waits: it gives up, says who, and nothing is changed."""
    home = office(behaving, "school_admin", SCHOOL)
    holder = subprocess.Popen(["python3", "-c", """
import fcntl, struct, sys
file = open(sys.argv[1], 'r+b')
fcntl.fcntl(file, 37, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
file.write(b'pid 4711 (backup)'.ljust(128, b'\\0'))
file.flush()
print('held', flush=True)
sys.stdin.read()
""", next(home.folder.glob("*lock*"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        waiting = [(words, start(home, "record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2021-05-20", lang=lang))
                   for lang, words in (("C.UTF-8", "using the home"), (CHINESE, "占用"))]
        for words, program in waiting:
            code, _, err = finish(program)
            assert code == BUSY and words in err and "pid 4711 (backup)" in err, err
    finally:
        holder.communicate()
    assert home.json("outbox") == []


# ---- the server is away ----


def test_a_day_without_the_server(deployment, tmp_path):
    """Everything but syncing works, and the watcher drains it all when the server is back."""
    home, teacher = office(deployment, "school_admin", SCHOOL), Teacher(WORKSHOP)
    bring(home, tmp_path, [teacher])
    deployment.server.stop()
    watcher = start(home, "sync", "--watch")
    try:
        file = courses(tmp_path, "courses.csv", [
            (f"{teacher.account}-{day}", teacher, "p01", f"2021-07-{day} 19:00:00", f"2021-07-{day} 19:50:00") for day in range(10, 30)])
        assert home.json("record", "import", file)["new"] == 20
        assert home.json("record", "import", file)["same"] == 20
        home.run("record", "add", "credit_hours", teacher.account, "--item", "school", "--quantity", "4.5", "--at", "2021-09-10")
        newcomer = Teacher(WORKSHOP)
        assert home.json("roster", "import", behaviour.write_csv(tmp_path / "new.csv", [newcomer.row()]), "--apply")["counts"]["new"] == 1
        home.run("record", "add", "credit_hours", newcomer.account, "--item", "school", "--quantity", "2", "--at", "2021-09-10")
        assert len(home.json("record", "list", teacher.account)) == 21
        here = home.json("standing", teacher.account)
        assert here["computed"] == "here" and float(here["points"]) > 0
        assert home.json("status")["waiting"] == 24
        assert "24" in home.run("status", lang=CHINESE).stdout
        deployment.server.start()
        lx.wait_until(lambda: home.json("status")["waiting"] == 0, 60, "the watcher sends everything by itself")
    finally:
        watcher.send_signal(signal.SIGTERM)
        code, out, err = finish(watcher)
    assert code == 0, out + err
    assert home.json("outbox") == [] and len(home.json("outbox", "--all")) == 26
    home.run("sync")
    assert behaviour.waits_here(home) == 0
    behaviour.figures_are_through(deployment)
    there = deployment.cluster.sql(f"select s.points from standing s join person p on p.id = s.subject where p.account = '{teacher.account}'")
    assert there == [[str(round(float(here["points"]) * 100))]], "the server says what the client said alone"
    deployment.ctl("verify")


# ---- what the server refuses ----


@pytest.fixture(name="refused")
def fixture_refused(behaving):
    """An office whose head's role was taken away while it worked offline: two records are refused by the server."""
    name = behaviour.account(behaving, "school_admin", SCHOOL)
    behaving.ctl("grant", name, "head", WORKSHOP)
    grant = behaving.cluster.sql(f"select g.id from role_grant g join account a on a.person = g.person "
                                 f"where a.account = '{name}' and g.role = 2")[0][0]
    home = behaviour.home_of(behaving, name, SCHOOL)
    ids = [home.json("record", "add", "submitted", WORKSHOP, "--item", "h.plan", "--at", "2021-06-10", "--title", f"计划{n}",
                     "--field", f"content=第{n}稿")["id"] for n in range(2)]
    home.run("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2021-05-20")
    behaving.ctl("grant", "revoke", grant, "--for-cause")
    return behaving, name, home, ids


def in_ledger(city, ids: list[str]) -> list[int]:
    return [int(city.cluster.sql(f"select count(*) from fact where id = '{record}'")[0][0]) for record in ids]


def test_refused_stays_visible_until_mended_or_dropped(refused):
    city, name, home, ids = refused
    told = home.run("sync", check=False)
    assert told.returncode == behaviour.PARTLY and "refused 2" in told.stdout and "lianxiao outbox" in told.stdout
    entries = home.json("outbox")
    assert [entry["state"] for entry in entries] == ["refused", "refused"] and in_ledger(city, ids) == [0, 0]
    english, chinese = home.run("outbox").stdout, home.run("outbox", lang=CHINESE).stdout
    assert english.count("refused") == 2 and "capability record_workshop over this unit is missing" in english
    assert chinese.count("被拒绝") == 2 and "不能在此写入“提交成果”事实：缺少对该单位的“记录工作坊的过程性数据”权限" in chinese, chinese
    assert home.json("sync")["sent"] == 0, "it is not sent again by itself"
    # Not mended yet: the same answer. Then mended: it goes in.
    first, second = (entry["id"] for entry in entries)
    home.run("outbox", "retry", first)
    assert home.run("sync", check=False).returncode == behaviour.PARTLY
    again = [entry["id"] for entry in home.json("outbox") if entry["state"] == "refused"]
    assert second in again and len(again) == 2 and first not in again
    city.ctl("grant", name, "head", WORKSHOP)
    third = next(entry for entry in again if entry != second)
    assert str(third) in home.run("outbox", "retry", third, lang=CHINESE).stdout
    home.run("sync")
    assert in_ledger(city, ids) == [1, 0]
    # Dropped is not deleted.
    home.run("outbox", "drop", second)
    assert home.json("outbox") == []
    assert [e["id"] for e in home.json("outbox", "--all") if e["state"] == "archived"] == [first, second, third]
    for words in (("retry", first), ("drop", second), ("drop", "9999"), ("retry", "x")):
        result = home.run("outbox", *words, check=False, lang=random.choice(("C.UTF-8", CHINESE)))
        assert result.returncode in (2, 3, 4) and str(words[1]) in result.stderr, result
    assert behaviour.waits_here(home) == 0


def acknowledged_by_a_lost_server(home: lx.Home, at_ms: int) -> None:
    """What waits was stored by a database that a backup from before has replaced."""
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        (number, stream), = db.execute("select id, stream from outbox where state = 1").fetchall()
        key = db.execute("select coalesce(max(op_seq), 0) + 1 from outbox where stream = ?", (stream,)).fetchone()[0]
        db.execute("update outbox set state = 2, op_seq = ?, batch = id, acked_ms = ?, ack_seq = 1 where id = ?", (key, at_ms, number))
        db.execute("insert or replace into counter (stream, next_op_seq) values (?, ?)", (stream, key + 1))


def test_who_syncs_is_told_that_the_server_was_restored(behaving):
    """Records that the server had lost went again: how many, and how old the backup is at least; once."""
    home = office(behaving, "school_admin", SCHOOL)
    for lang, words in (("C.UTF-8", "1 records were sent again: the server was restored from a backup of before 2021-06-15 "),
                        (CHINESE, "有 1 条记录已重新发送：服务器曾从 2021-06-15 ")):
        record = home.json("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2021-05-20")["id"]
        acknowledged_by_a_lost_server(home, 1623729600000)
        assert in_ledger(behaving, [record]) == [0]
        assert words in home.run("sync", lang=lang).stdout
        assert in_ledger(behaving, [record]) == [1]
        assert home.json("sync")["sent_again"] == 0


def test_what_cannot_go_before_another_entry_says_before_which(behaving, tmp_path):
    """A newcomer is refused: his place and his records wait for that, and each says so, until he is mended or all is put away."""
    home, newcomer = office(behaving, "school_admin", SCHOOL), Teacher(WORKSHOP)
    home.run("roster", "import", behaviour.write_csv(tmp_path / "new.csv", [newcomer.row()]), "--apply")
    home.run("record", "add", "credit_hours", newcomer.account, "--item", "school", "--quantity", "2", "--at", "2021-09-10")
    person, place, hours = (entry["id"] for entry in home.json("outbox"))
    with sqlite3.connect(home.folder / "lianxiao.db") as db:  # as if the server had said so
        db.execute("update outbox set state = 3, shown = 0 where id = ?", (person,))
    entries = {entry["id"]: entry for entry in home.json("outbox")}
    assert [entries[id_]["blocked_by"] for id_ in (person, place, hours)] == [None, person, person]
    assert [entries[id_]["state"] for id_ in (person, place, hours)] == ["refused", "blocked", "blocked"]
    assert home.run("outbox").stdout.count(f"waits for entry {person}, which was refused") == 2
    assert home.run("outbox", lang=CHINESE).stdout.count(f"须等第 {person} 条，该条被拒绝") == 2
    assert "2 wait (2 of them blocked), 1 refused" in home.run("status").stdout
    assert "等待 2 条（其中受阻 2 条），被拒绝 1 条" in home.run("status", lang=CHINESE).stdout
    said = home.run("sync")
    assert "2 still wait" in said.stdout and "2 of them cannot go before another entry" in said.stdout
    assert "其中 2 条须等另一条先处理" in home.run("sync", lang=CHINESE).stdout
    home.run("outbox", "drop", person)
    assert home.run("outbox").stdout.count(f"waits for entry {person}, which was put away") == 2
    for entry in (place, hours):
        home.run("outbox", "drop", entry)
    assert home.json("outbox") == [] and home.json("sync")["blocked"] == 0
    # Mended instead: all three go.
    home.run("roster", "import", tmp_path / "new.csv", "--apply")
    person = home.json("outbox")[0]["id"]
    with sqlite3.connect(home.folder / "lianxiao.db") as db:
        db.execute("update outbox set state = 3, shown = 0 where id = ?", (person,))
    assert [entry["state"] for entry in home.json("outbox")] == ["refused", "blocked"]
    home.run("outbox", "retry", person)
    assert home.json("status")["blocked"] == 0
    assert home.json("sync")["sent"] == 2 and behaviour.waits_here(home) == 0


# ---- two copies of one home ----


@pytest.mark.parametrize("lang, words", [("C.UTF-8", "Enrol anew; nothing that was recorded is lost."), (CHINESE, "请重新登记，已记录的内容不会丢失。")])
def test_a_copied_home_is_told_why_it_is_refused(behaving, tmp_path, lang, words):
    home = office(behaving, "school_admin", SCHOOL)
    home.run("sync")
    copy = lx.Home(tmp_path / "copy", behaving)
    shutil.copytree(home.folder, copy.folder)
    for one, day in ((home, "2021-05-21"), (copy, "2021-05-22")):
        one.run("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", day)
    assert home.json("sync")["waiting"] == 0
    told = copy.run("sync", check=False, lang=lang)
    assert told.returncode == REFUSED and words in told.stderr, (told.stdout, told.stderr)
    again = copy.run("sync", check=False, lang=lang)
    assert again.returncode != DONE and (words in again.stderr or "login" in again.stderr), (again.stdout, again.stderr)
