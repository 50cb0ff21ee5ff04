"""lianxiao against a real server: enrol, record, work offline, sync, administer, look at figures; golden pages."""
import csv
import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess

import pytest

import lx
from conftest import found_city

SCHOOL, OTHER_SCHOOL, DISTRICT, CITY = "3401030001", "3401030002", "340103", "340100"
PASSWORD = "correct-horse-1"
GOLDEN = lx.ROOT / "tests/golden/cli"
PARTLY, REFUSED, UNKNOWN, AWAY, LOGIN, USAGE, BUSY = 8, 3, 4, 5, 6, 2, 7


def office(city: lx.Deployment, account: str, role: str, unit: str) -> lx.Home:
    """A home that is enrolled, logged in and synced; each call makes account and device of its own."""
    city.user(account, role, unit, PASSWORD)
    home = city.home().enrol(unit).login(account, PASSWORD)
    home.run("sync")
    return home


def add_survey(home: lx.Home, school: str = SCHOOL, **options):
    """A duty of stage one that a school records about itself."""
    return home.run("record", "add", "duty_done", school, "--item", "a.survey", "--at", "2021-05-20", **options)


def test_from_nothing_to_a_whole_replica(city):
    home = office(city, "from.nothing", "school_admin", SCHOOL)
    status = home.json("status")
    assert status["enrolled"] and status["logged_in"] and status["account"] == "from.nothing"
    assert status["streams"] == status["streams_whole"] == 4  # the city's, the school's, two workshops'
    assert [grant["role"] for grant in status["grants"]] == ["school_admin"]
    assert abs(status["skew_ms"]) < 5000
    modes = {name: os.stat(home.folder / name).st_mode & 0o777 for name in os.listdir(home.folder)}
    assert set(modes.values()) == {0o600}, modes


def test_record_goes_to_another_office(city):
    school = office(city, "goes.school", "school_admin", SCHOOL)
    district = office(city, "goes.district", "district_admin", DISTRICT)
    other = office(city, "goes.other", "school_admin", OTHER_SCHOOL)
    answer = school.json("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2021-05-20")
    assert [e["state"] for e in school.json("outbox")] == ["waiting"]
    assert school.json("sync")["sent"] == 1
    assert school.json("outbox") == []
    assert [e["state"] for e in school.json("outbox", "--all")] == ["stored"]
    district.run("sync")
    assert answer["id"] in [record["id"] for record in district.json("record", "list")]
    other.run("sync")
    assert answer["id"] not in [record["id"] for record in other.json("record", "list")]


def test_what_is_wrong_is_refused_before_it_is_kept(city):
    home = office(city, "wrong.here", "school_admin", SCHOOL)
    future = home.run("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2099-01-01", check=False)
    assert future.returncode == REFUSED and "not recorded" in future.stderr
    chinese = home.run("record", "add", "duty_done", SCHOOL, "--item", "nonsense", check=False, lang="zh_CN.UTF-8")
    assert chinese.returncode == REFUSED and "未记录" in chinese.stderr and "nonsense" in chinese.stderr
    assert home.run("record", "add", "duty_done", "nobody", check=False).returncode == UNKNOWN
    assert home.run("record", "add", "dance", SCHOOL, check=False).returncode == USAGE
    assert home.json("outbox") == []


def test_server_away_and_back(deployment):
    home = office(deployment, "away", "school_admin", SCHOOL)
    deployment.server.stop()
    add_survey(home)
    away = home.run("sync", check=False)
    assert away.returncode == AWAY and "waits here" in away.stderr
    watch = subprocess.Popen([lx.BUILD / "client/cli/lianxiao", "sync", "--watch", "--home", home.folder],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deployment.server.start()
        lx.wait_until(lambda: home.json("outbox") == [], what="the watcher sends what waited")
        # Another program on the same home records while the watcher runs.
        add_survey(home)
        lx.wait_until(lambda: home.json("outbox") == [], what="the watcher sees the other program's record")
        # And comes back by itself after the server's restart.
        deployment.server.stop()
        add_survey(home)
        deployment.server.start()
        lx.wait_until(lambda: home.json("outbox") == [], seconds=60, what="the watcher comes back")
    finally:
        watch.send_signal(signal.SIGTERM)
        out, err = watch.communicate(timeout=30)
    assert watch.returncode == 0, err
    assert "Sent 3" in out


def test_watcher_hears_of_others(city):
    school = office(city, "hears.school", "school_admin", SCHOOL)
    district = office(city, "hears.district", "district_admin", DISTRICT)
    synced = lambda: district.json("status")["last_sync_ms"]  # noqa: E731
    before = synced()
    watch = subprocess.Popen([lx.BUILD / "client/cli/lianxiao", "sync", "--watch", "--home", district.folder])
    try:
        lx.wait_until(lambda: synced() > before, what="the watcher is there")
        record = school.json("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2021-05-21")["id"]
        school.run("sync")
        lx.wait_until(lambda: record in [r["id"] for r in district.json("record", "list")], seconds=10,
                      what="the nudge brings it")
    finally:
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(timeout=30) == 0


def test_watcher_follows_its_scope(city):
    boss = office(city, "widens", "school_admin", SCHOOL)
    head = office(city, "widened", "head", f"{SCHOOL}-01")
    before = head.json("status")
    watch = subprocess.Popen([lx.BUILD / "client/cli/lianxiao", "sync", "--watch", "--home", head.folder])
    try:
        assert before["streams"] == 2  # the city's and the workshop's
        lx.wait_until(lambda: head.json("status")["last_sync_ms"] > before["last_sync_ms"])
        grant = boss.json("grant", "widened", "head", f"{SCHOOL}-02")["grant"]
        lx.wait_until(lambda: head.json("status")["streams_whole"] == 3, what="the new workshop comes")
        boss.run("grant", "revoke", grant)
        lx.wait_until(lambda: head.json("status")["streams"] == 2, what="it goes again")
    finally:
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(timeout=30) == 0


def test_several_programs_sync_one_home_at_once(city):
    home = office(city, "several", "school_admin", SCHOOL)
    for _ in range(30):
        add_survey(home)
    syncs = [subprocess.Popen([lx.BUILD / "client/cli/lianxiao", "sync", "--home", home.folder],
                              stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [sync.wait(timeout=60) for sync in syncs] == [0] * 4
    assert {e["state"] for e in home.json("outbox", "--all")} == {"stored"}
    mine = city.cluster.sql("select count(*), count(distinct id) from fact f join account a on a.person = f.actor"
                            " where a.account = 'several'")
    assert mine == [["30", "30"]]
    status = home.json("status")
    assert status["streams"] == status["streams_whole"]


def test_lost_right_keeps_the_records_and_says_why(city):
    home = office(city, "loses", "school_admin", SCHOOL)
    district = office(city, "takes", "district_admin", DISTRICT)
    record = home.json("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2021-05-20")["id"]
    district.run("grant", "revoke", home.json("status")["grants"][0]["id"], "--for-cause")
    assert home.run("sync", check=False).returncode == PARTLY
    assert home.json("status")["streams"] == 1  # the city's: nothing of the school stays here
    entry, = home.json("outbox")
    assert entry["state"] == "waiting" and "scope" in entry["reason"]
    district.run("grant", "loses", "school_admin", SCHOOL)
    assert home.json("sync")["sent"] == 1
    assert record in [r["id"] for r in home.json("record", "list")]


def test_wrong_password_wrong_account_wrong_ca(city, tmp_path):
    home = office(city, "wrong.door", "school_admin", SCHOOL)
    wrong = home.run("login", "wrong.door", stdin="not-the-password\n", check=False)
    assert wrong.returncode == REFUSED and "refused" in wrong.stderr
    chinese = home.run("login", "wrong.door", stdin="not-the-password\n", check=False, lang="zh_CN.UTF-8")
    assert chinese.returncode == REFUSED and re.search(r"服务器拒绝：[\u4e00-\u9fff]", chinese.stderr)
    other = home.run("login", "somebody.else", stdin=PASSWORD + "\n", check=False)
    assert other.returncode == REFUSED and "another account" in other.stderr
    with_other_ca = tmp_path / "tls"
    city.ctl("ca", "init", with_other_ca)
    fresh = city.home()
    answer = fresh.run("enroll", "--server", city.server.address, "--ca", with_other_ca / "ca.pem",
                       "--code", city.code(SCHOOL), check=False)
    assert answer.returncode == REFUSED and "trusts" in answer.stderr
    used = city.code(SCHOOL)
    words = ("enroll", "--server", city.server.address, "--ca", city.tls / "ca.pem", "--code", used)
    fresh.run(*words)
    assert city.home().run(*words, check=False).returncode == REFUSED  # a code is for one device


def on_terminal(home: lx.Home, *words: str, types: str = "") -> tuple[int, str]:
    """Runs lianxiao on a pseudo-terminal; types when it is asked. (exit code, all that the terminal showed)"""
    child, master = pty.fork()
    if child == 0:
        os.environ["LC_ALL"] = "C.UTF-8"
        os.execv(lx.BUILD / "client/cli/lianxiao", ["lianxiao", *words, "--home", str(home.folder)])
    shown = b""
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:  # the other end is closed
            data = b""
        if not data:
            break
        shown += data
        if types and b": " in shown:
            os.write(master, types.encode())
            types = ""
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_terminal_asks_without_echo_and_shows_progress(city):
    city.user("terminal", "school_admin", SCHOOL, PASSWORD)
    home = city.home().enrol(SCHOOL)
    code, shown = on_terminal(home, "login", "terminal", types=PASSWORD + "\n")
    assert code == 0 and "Password: " in shown and "Logged in" in shown
    assert PASSWORD not in shown
    code, shown = on_terminal(home, "sync")
    assert code == 0 and "connecting" in shown and "units left" in shown and "Sent 0" in shown


def test_busy_home_says_who_has_it(city):
    home = office(city, "busy", "school_admin", SCHOOL)
    with open(home.folder / "lock", "r+b") as lock:
        # An open-file-description lock on the whole file, as client/store/lock.c takes it.
        fcntl.fcntl(lock, 37, struct.pack("hhqqixxxx", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        lock.write(b"pid 4711 (the night shift)\0")
        lock.flush()
        result = home.run("record", "add", "duty_done", SCHOOL, "--item", "a.survey", "--at", "2021-05-20", check=False)
        assert result.returncode == BUSY and "pid 4711 (the night shift)" in result.stderr
        assert home.json("outbox") == []  # reading needs no lock
    add_survey(home)


def test_logout_and_password(city, tmp_path):
    home = office(city, "leaves", "school_admin", SCHOOL)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text(PASSWORD + "\n")
    new.write_text("another-horse-2\n")
    home.run("passwd", "--password-file", old, "--new-password-file", new)
    home.run("logout")
    assert home.run("sync", check=False).returncode == LOGIN
    add_survey(home)  # recording needs no session
    home.run("login", "leaves", "--password-file", new)
    assert home.json("sync")["sent"] == 1


def test_administrator_in_the_own_subtree(city):
    home = office(city, "boss", "school_admin", SCHOOL)
    code = home.json("code", "issue", SCHOOL + "-01")["code"]
    made = home.json("user", "add", "boss.head", "--name", "张坊主", "--role", "head", "--unit", SCHOOL + "-01")
    head = city.home()
    head.run("enroll", "--server", city.server.address, "--ca", city.tls / "ca.pem", "--code", code)
    head.run("login", "boss.head", stdin=made["password"] + "\n")
    head.run("passwd", stdin="", check=False)
    for words in (["code", "issue", OTHER_SCHOOL], ["grant", "boss.head", "school_admin", OTHER_SCHOOL],
                  ["grant", "boss.head", "city_admin", SCHOOL], ["grant", "boss", "city_admin", CITY]):
        assert home.run(*words, check=False).returncode == REFUSED, words
    grant = home.json("grant", "boss.head", "head", SCHOOL + "-02")["grant"]
    home.run("grant", "revoke", grant)
    assert home.run("grant", "revoke", grant, check=False).returncode in (0, REFUSED)


def test_statistics_contain_what_was_sent(city):
    home = office(city, "counts", "school_admin", SCHOOL)
    add_survey(home)
    home.run("sync")
    figures = home.json("stats")
    assert figures["covers_at_least"] and figures["complete_through_ms"] > 0
    assert [line["code"] for line in figures["lines"]] == [SCHOOL]
    indicators = home.json("stats", "--by", "indicator")["lines"]
    assert "a.survey" in [line["code"] for line in indicators]
    rows = list(csv.reader(io.StringIO(home.run("stats", "--csv").stdout.lstrip("\ufeff"))))
    assert rows[0][0] == "Code" and rows[1][0] == SCHOOL
    assert home.run("stats", "--unit", "999999", check=False).returncode == UNKNOWN



ROSTER = f"""学校,工作坊,姓名,教师编号,平台账号,角色,教师资格证,在岗,在编,起始日期
{OTHER_SCHOOL},{OTHER_SCHOOL}-01,王芳,T0001,wangfang,教师+坊主,是,是,是,2021-05-01
{OTHER_SCHOOL},{OTHER_SCHOOL}-01,李明,T0002,liming,教师,是,是,是,2021-05-01
{OTHER_SCHOOL},,赵静,T0003,zhaojing,教师+学校管理员,是,是,否,2021-05-01
"""
HOURS = """平台账号,学时类型,日期,学时
wangfang,线上,2021-07-20,20
wangfang,线上,2021-07-21,10.5
liming,校本,2021-10-20,12
liming,校本,2021-10-21,8
"""
COURSES = """平台账号,课程,开始时间,结束时间
liming,A1,2021-07-05 19:00,2021-07-05 21:00
liming,A1,2021-07-05 20:30,2021-07-05 22:00
wangfang,A2,2021-07-06 19:00,2021-07-06 21:40
"""


def test_standings_here_and_there_are_the_same_bytes(city, tmp_path):
    home = office(city, "same.bytes", "school_admin", OTHER_SCHOOL)
    for name, text in (("roster", ROSTER), ("hours", HOURS), ("courses", COURSES)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    home.run("roster", "import", tmp_path / "roster.csv", "--apply")
    home.run("record", "add", "course_range", OTHER_SCHOOL, "--item", "A1", "--at", "2021-06-20")
    for name in ("hours", "courses"):
        home.run("record", "import", tmp_path / f"{name}.csv")
    home.run("record", "add", "self_test", "wangfang", "--at", "2021-06-10")
    add_survey(home, OTHER_SCHOOL)
    early = home.json("standing", "T0002")["points"]  # before the server knows anything
    assert home.json("sync")["refused"] == 0
    lx.wait_until(lambda: home.json("stats")["covers_at_least"])
    home.run("sync")
    people = {person: home.json("standing", person, "--receipt") for person in ("T0001", "T0002", "zhaojing")}
    units = {unit: home.json("standing", unit, "--receipt") for unit in (f"{OTHER_SCHOOL}-01", OTHER_SCHOOL)}
    assert people["T0002"]["points"] == early > 0
    for shown in [*people.values(), *units.values()]:
        assert shown["computed"] == "here"
        receipt, as_of = city.cluster.sql("select encode(receipt, 'hex'), as_of from standing"
                                          f" where subject = '{shown['subject']}'")[0]
        assert as_of == shown["as_of"]
        assert receipt == shown["receipt"], shown["name"]
    # The head does not hold the school's stream, so he is shown the server's word: the same.
    head = office(city, "same.bytes.head", "head", f"{OTHER_SCHOOL}-01")
    shown = head.json("standing", "李明", "--receipt")
    assert shown["computed"] == "server" and shown["receipt"] == people["T0002"]["receipt"]
    assert head.run("standing", "赵静", check=False).returncode == UNKNOWN


def test_standing_of_a_school_is_computed_here(city):
    home = office(city, "stands", "school_admin", SCHOOL)
    standing = home.json("standing", SCHOOL)
    assert standing["computed"] == "here" and standing["state"] in ("open", "failed")
    page = home.run("standing", SCHOOL, "--receipt", lang="zh_CN.UTF-8").stdout
    assert "庐阳第一小学" in page and "启动会" in page


def test_export_disarms_formulas(city):
    home = office(city, "exports", "school_admin", SCHOOL)
    home.run("record", "add", "discussion", SCHOOL, "--item", "=1+1", "--at", "2021-07-01")
    text = home.run("export", "--kind", "discussion").stdout
    assert text.startswith("\ufeff")
    cells = [row["Item"] for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff")))]
    assert "'=1+1" in cells


MOVER = "学校,工作坊,姓名,教师编号,平台账号,角色,教师资格证,在岗,在编,起始日期\n{},{},孙悦,T9001,sunyue,教师,是,是,是,{}\n"


def same_as_fresh(city: lx.Deployment, home: lx.Home, account: str, unit: str) -> list[dict]:
    """Syncs; asserts that a new device of the same account gets the same records; gives them back."""
    home.run("sync")
    fresh = city.home().enrol(unit).login(account, PASSWORD)
    fresh.run("sync")
    records = home.json("record", "list")
    assert records == fresh.json("record", "list")
    status = home.json("status")
    assert status["streams"] == status["streams_whole"]
    return [record for record in records if record["subject"] == "孙悦"]


def test_a_teacher_moves_and_replicas_follow(city, tmp_path):
    school, next_school = "3401040001", "3401040002"
    homes = {unit: office(city, f"moves.{unit}", "head" if "-" in unit else "school_admin", unit)
             for unit in (school, f"{school}-01", f"{school}-02", next_school)}
    district = office(city, "moves.340104", "district_admin", "340104")
    file = tmp_path / "roster.csv"

    def place(by: lx.Home, at: str, workshop: str, day: str):
        file.write_text(MOVER.format(at, workshop, day), encoding="utf-8")
        by.run("sync")
        by.run("roster", "import", file, "--apply")
        assert by.json("sync")["refused"] == 0

    place(homes[school], school, f"{school}-01", "2021-05-01")
    homes[school].run("record", "add", "credit_hours", "sunyue", "--item", "school", "--quantity", "6.5", "--at", "2021-07-20")
    homes[school].run("sync")

    def held() -> dict[str, int]:
        return {unit: len(same_as_fresh(city, home, f"moves.{unit}", unit)) for unit, home in homes.items()}

    assert held() == {school: 1, f"{school}-01": 1, f"{school}-02": 0, next_school: 0}
    place(homes[school], school, f"{school}-02", "")
    assert held() == {school: 1, f"{school}-01": 0, f"{school}-02": 1, next_school: 0}
    place(district, next_school, f"{next_school}-01", "")
    assert held() == {school: 0, f"{school}-01": 0, f"{school}-02": 0, next_school: 1}
    assert homes[f"{school}-01"].run("standing", "sunyue", check=False).returncode == UNKNOWN
    assert "school-based hours 6.5 / 30" in district.run("standing", "sunyue", "--receipt").stdout  # the credits stay


# ---- golden pages, both languages ----

PAGES = {
    "help": ["--help"],
    "help-record-add": ["record", "add", "--help"],
    "help-stats": ["stats", "--help"],
    "status": ["status"],
    "outbox": ["outbox", "--all"],
    "record-list": ["record", "list"],
    "unknown-option": ["sync", "--fast"],
    "unknown-subject": ["standing", "无此人"],
    "not-enrolled": ["sync"],
    "standing": ["standing", OTHER_SCHOOL, "--as-of", "2021-12-31", "--receipt"],
}


def normal(text: str, home: lx.Home) -> str:
    """Without what differs from run to run; widths stay."""
    text = text.replace(str(home.folder), "HOME")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "0000-00-00 00:00:00", text)
    return re.sub(r"\b[0-9a-f]{12}\b", "0" * 12, text)


@pytest.fixture(scope="module")
def golden_homes():
    """One home that is enrolled and has three records, and one that is empty; in a city without other records."""
    with lx.Deployment() as deployment:
        yield make_golden_homes(found_city(deployment))


def make_golden_homes(city: lx.Deployment) -> dict[str, lx.Home]:
    home = office(city, "golden", "school_admin", OTHER_SCHOOL)
    for item in ("a.survey", "a.survey"):
        add_survey(home, OTHER_SCHOOL)
    home.run("record", "add", "discussion", OTHER_SCHOOL, "--item", "人工智能与课堂", "--at", "2021-07-01 09:30")
    home.run("outbox", "drop", "2")
    return {"full": home, "empty": city.home()}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", sorted(PAGES))
def test_golden_page(golden_homes, page, language):
    lang = {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}[language]
    home = golden_homes["empty" if page == "not-enrolled" else "full"]
    result = home.run(*PAGES[page], check=False, lang=lang)
    text = normal(f"{result.stdout}{result.stderr}exit code {result.returncode}\n", home)
    if page == "status":
        text = re.sub(r"localhost:\d+|127\.0\.0\.1:\d+", "SERVER", text)
    file = GOLDEN / language / f"{page}.txt"
    if os.environ.get("LX_GOLDEN_WRITE"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
