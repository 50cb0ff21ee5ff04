"""lianxiaoctl against a real database: migrations, units, logins, devices, status, exit codes."""
import re

import lx
from conftest import SCHEME, UNITS


def test_help_names_every_command(database):
    page = database.ctl("--help").stdout
    for command in ("ca init", "ca bundle-key", "migrate", "unit import", "programme start", "scheme load", "scheme check", "code issue",
                    "user add", "user reset", "user disable", "grant", "grant revoke", "device list", "device revoke",
                    "verify", "audit key", "audit export", "audit verify", "status"):
        assert re.search(rf"^  {command} ", page, re.MULTILINE), command
        assert database.ctl(*command.split(), "--help").stdout.startswith(f"usage: lianxiaoctl {command}")


def test_wrong_command_lines_say_so(database):
    for words in (["fly"], ["migrate", "x"], ["unit", "import"], ["migrate", "--speed", "9"], ["ca", "init", "x", "--name"]):
        result = database.ctl(*words, check=False)
        assert result.returncode == 2 and result.stderr, words


def test_database_away_is_exit_code_3():
    result = lx.run([lx.BUILD / "server/ctl/lianxiaoctl", "status", "--dsn", "host=/nonexistent"], check=False)
    assert result.returncode == 3
    assert "does not answer" in result.stderr


def test_ca_init_never_overwrites(database):
    key = database.tls / "ca.key"
    before = key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert database.ctl("ca", "init", database.tls, check=False).returncode == 3
    assert key.read_bytes() == before


def test_migrate_twice_changes_nothing(database):
    before = database.cluster.sql("select number, applied_at from migration order by 1")
    assert "0 migrations applied" in database.ctl("migrate").stdout
    assert database.cluster.sql("select number, applied_at from migration order by 1") == before


def test_migrate_refuses_a_newer_database(database):
    database.cluster.sql("insert into migration (number, name, sha256) values (9999, '9999_future', '')")
    result = database.ctl("migrate", check=False)
    assert result.returncode == 1 and "newer than this program" in result.stderr


def test_migrate_refuses_other_texts(database):
    database.cluster.sql("update migration set sha256 = '\\x00' where number = 1")
    result = database.ctl("migrate", check=False)
    assert result.returncode == 1 and "another text" in result.stderr


def test_units_add_change_and_stay(database, tmp_path):
    assert "13 added, 0 changed" in database.ctl("unit", "import", UNITS).stdout
    assert "0 added, 0 changed, 13 the same" in database.ctl("unit", "import", UNITS).stdout
    changed = tmp_path / "units.csv"
    changed.write_text(UNITS.read_text(encoding="utf-8").replace("蜀山中学", "蜀山第一中学"), encoding="utf-8")
    out = database.ctl("unit", "import", changed).stdout
    assert "name: 蜀山中学 -> 蜀山第一中学" in out and "1 changed" in out


def test_one_wrong_unit_stores_nothing(database, tmp_path):
    wrong = tmp_path / "units.csv"
    wrong.write_text("代码,名称,层级,上级代码,区县编号\n340100,合肥市,市,,0\n340103,庐阳区,区县,999999,1\n", encoding="gb18030")
    result = database.ctl("unit", "import", wrong, check=False)
    assert result.returncode == 1 and "row 3: parent" in result.stderr
    assert database.cluster.sql("select count(*) from unit") == [["0"]]
    wrong.write_text("code,name,level,parent,district\n34 01,x,galaxy,,-1\n", encoding="utf-8")
    result = database.ctl("unit", "import", wrong, check=False)
    assert result.returncode == 1
    for column in ("code", "level", "district"):
        assert f"row 2: {column}:" in result.stderr


def test_programme_starts_once(database):
    database.ctl("unit", "import", UNITS)
    assert "hefei-2021 started" in database.ctl("programme", "start", SCHEME).stdout
    assert database.ctl("programme", "start", SCHEME, check=False).returncode == 1
    result = database.ctl("scheme", "load", SCHEME, check=False)
    assert result.returncode == 1 and "not newer" in result.stderr


def test_scheme_check_names_line_and_field(database, tmp_path):
    assert "no errors" in database.ctl("scheme", "check", SCHEME).stdout
    broken = tmp_path / "broken.yaml"
    broken.write_text(SCHEME.read_text(encoding="utf-8") + "\nunknown_key: 1\n", encoding="utf-8")
    result = database.ctl("scheme", "check", broken, check=False)
    assert result.returncode == 1
    assert re.search(rf"{re.escape(str(broken))}:\d+", result.stderr) and "unknown_key" in result.stderr


def test_logins_grants_and_their_refusals(database):
    database.ctl("unit", "import", UNITS)
    out = database.ctl("user", "add", "li.na", "--name", "李娜", "--role", "school_admin", "--unit", "3401030001").stdout
    assert re.search(r"^password: \S{16}$", out, re.MULTILINE)
    assert database.ctl("user", "add", "li.na", check=False).returncode == 1
    assert database.ctl("grant", "li.na", "emperor", "340100", check=False).returncode == 1
    assert "level" in database.ctl("grant", "li.na", "head", "340100", check=False).stderr
    grant = database.ctl("grant", "li.na", "head", "3401030001-01", "--until", "2099-07-31").stdout.split()[1]
    database.ctl("grant", "revoke", grant)
    assert database.ctl("grant", "revoke", grant, check=False).returncode == 1
    assert "password: " in database.ctl("user", "reset", "li.na").stdout
    database.ctl("user", "disable", "li.na")
    assert database.ctl("user", "disable", "nobody", check=False).returncode == 1


def test_codes_are_for_known_units(database):
    database.ctl("unit", "import", UNITS)
    assert re.fullmatch(r"\w{4}-\w{4}-\w{4}", database.code("3401030001"))
    assert database.ctl("code", "issue", "999", check=False).returncode == 1
    assert database.ctl("code", "issue", "3401030001", "--valid-hours", "0", check=False).returncode == 1


def test_status_shows_no_personal_data(database):
    database.ctl("unit", "import", UNITS)
    database.ctl("user", "add", "zhang.wei", "--name", "张伟伟测试")
    for words in (["status"], ["status", "--json"], ["device", "list"]):
        out = database.ctl(*words).stdout
        assert "张伟伟测试" not in out and "zhang.wei" not in out
