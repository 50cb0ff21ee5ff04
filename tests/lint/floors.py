"""The floor plan, checked: reads the #includes, the calls of fenced libraries and the CMake link lists.

base -> text -> proto -> wire -> domain -> net | db | assess | store -> programs. An upper floor uses lower ones,
never up, never sideways. Each table row below is the whole truth about one folder.
"""
import os
import re
import subprocess
import sys
import tempfile

from sources import ROOT, finish, read, strip_comments, tracked

DOMAIN = ["common/base", "common/text", "proto", "common/wire", "common/domain"]
SERVER = DOMAIN + ["common/net", "common/assess", "server/db", "server"]
CLIENT = DOMAIN + ["common/net", "common/assess", "client/store"]

# folder -> the folders whose headers it may include (its own is always allowed).
MAY_INCLUDE = {
    "common/base": [],
    "common/text": ["common/base"],
    "proto": ["common/base"],
    "common/wire": ["common/base", "common/text", "proto"],
    "common/domain": ["common/base", "common/text", "proto", "common/wire"],
    "common/net": DOMAIN,
    "common/assess": DOMAIN,
    "server/db": DOMAIN,
    "client/store": DOMAIN,
    "server": SERVER,
    "server/handlers": SERVER,
    "server/assessor": SERVER,
    "server/monitor": SERVER,
    "server/audit": SERVER + ["server/assessor"],
    "server/ctl": SERVER + ["server/assessor", "server/audit"],
    "client/core": CLIENT,
    "client/cli": CLIENT + ["client/core"],
}

# The folders that together make lx_server may include each other.
for name in ("server", "server/handlers", "server/assessor"):
    MAY_INCLUDE[name] = SERVER + ["server/handlers", "server/assessor", "server/audit", "server/monitor"]

# target -> its folder.
TARGETS = {
    "lx_base": "common/base", "lx_text": "common/text", "lx_proto": "proto",
    "lx_wire": "common/wire", "lx_domain": "common/domain", "lx_net": "common/net",
    "lx_assess": "common/assess", "lx_db": "server/db", "lx_store": "client/store",
    "lx_server": "server", "lx_secret": "server", "lx_journal": "server", "lx_pile": "server", "lx_assessor": "server/assessor", "lx_audit": "server/audit", "lx_audit_verify": "server/audit", "lx_handlers": "server/handlers",
    "lx_client": "client/core", "lx_import": "client/core",
}

# A fenced library: the folders that may use it, its headers, its functions, its names in CMake.
FENCES = [
    (("common/net",), r"openssl/ssl\.h", r"\bSSL_\w+", r"\b(dep::ssl|OpenSSL::SSL)\b"),
    (("server/db",), r"libpq-fe\.h", r"\bPQ[a-z]\w+", r"\b(dep::pq|PostgreSQL::PostgreSQL|libpq)\b"),
    (("client/store",), r"sqlite3\.h", r"\bsqlite3_\w+", r"\b(dep::sqlite|SQLite::SQLite3)\b"),
    (("common/net", "server", "server/db", "server/handlers", "server/assessor", "server/monitor",
      "server/ctl", "client/core", "client/cli"), r"event2?/.*\.h", r"\bevent_(base_)?new\b",
     r"\bdep::event\b"),
]


def folder_of(path: str) -> str | None:
    """The longest folder of the table that holds the path."""
    matches = [f for f in MAY_INCLUDE if path.startswith(f + "/")]
    return max(matches, key=len) if matches else None


def check_include(path: str, line: int, folder: str, header: str) -> list[str]:
    target = folder_of(header)
    if header.startswith("embedded/") or target == folder:
        return []
    if target is None:
        return [f'{path}:{line}: "{header}" is not written from the root of the project']
    if target not in MAY_INCLUDE[folder]:
        return [f'{path}:{line}: {folder} may not include "{header}" ({target} is not below it)']
    return []


def check_source(path: str, text: str) -> list[str]:
    folder = folder_of(path)
    if folder is None:
        return []
    findings = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
        if match and match.group(1):
            findings += check_include(path, number, folder, match.group(1))
        for folders, header, _, _ in FENCES:
            if match and match.group(2) and re.fullmatch(header, match.group(2)) and folder not in folders:
                findings.append(f"{path}:{number}: only {', '.join(folders)} may include <{match.group(2)}>")
    for number, line in enumerate(strip_comments(text).splitlines(), 1):
        for folders, _, call, _ in FENCES:
            found = re.search(call, line)
            if found and folder not in folders:
                findings.append(f"{path}:{number}: only {', '.join(folders)} may use {found.group(0)}")
    return findings


def check_links(path: str, text: str) -> list[str]:
    """The link list of one CMakeLists.txt: targets of ours below it, fenced libraries only in their folder."""
    folder = os.path.dirname(path)
    if folder not in MAY_INCLUDE:
        return []
    code = re.sub(r"#[^\n]*", "", text)
    findings = []
    for links in re.findall(r"target_link_libraries\(([^)]*)\)", code):
        for target in links.split()[1:]:
            there = TARGETS.get(target)
            if there and there != folder and there not in MAY_INCLUDE[folder]:
                findings.append(f"{path}: {folder} may not link {target} ({there} is not below it)")
            if target.startswith("lx_") and there is None:
                findings.append(f"{path}: {target} has no row in tests/lint/floors.py")
    for folders, _, _, name in FENCES:
        found = re.search(name, code)
        if found and folder not in folders:
            findings.append(f"{path}: only {', '.join(folders)} may link {found.group(0)}")
    return findings


def check_tree(root: str) -> tuple[int, list[str]]:
    findings, files = [], 0
    for path in tracked(".c", ".h", "CMakeLists.txt", root=root):
        text = read(path, root)
        findings += check_links(path, text) if path.endswith(".txt") else check_source(path, text)
        files += 1
    return files, findings


# A tree with one breach in every file but the first: the check must find each of them.
PLANTED = {
    "common/base/good.c": '#include "common/base/good.h"\n// SSL_read in a comment is nothing\n',
    "common/base/up.c": '#include "common/wire/frame.h"\n',
    "common/net/sideways.c": '#include "client/store/store.h"\n',
    "client/core/other_side.c": '#include "server/conn.h"\n',
    "common/assess/relative.c": '#include "assess.h"\n',
    "server/tls.c": "void f(void) { SSL_free(0); }\n",
    "server/handlers/raw.c": "#include <libpq-fe.h>\n",
    "client/core/sql.c": "int g(void) { return sqlite3_step(0); }\n",
    "common/text/CMakeLists.txt": "target_link_libraries(lx_text PUBLIC lx_base lx_wire)\n",
    "client/core/CMakeLists.txt": "target_link_libraries(lx_client PUBLIC dep::sqlite)\n",
}


def check_planted() -> list[str]:
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["git", "init", "-q", root], check=True)
        for path, text in PLANTED.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        _, findings = check_tree(root)
    missed = [p for p in PLANTED if "good" not in p and not any(f.startswith(p) for f in findings)]
    wrong = [f for f in findings if "good" in f]
    return [f"planted breach not found: {p}" for p in missed] + [f"false finding: {f}" for f in wrong]


def main() -> int:
    files, findings = check_tree(ROOT)
    findings += check_planted()
    files_at_fault = {f.split(":")[0] for f in findings}
    return finish(files + len(PLANTED) - len(files_at_fault), findings)


if __name__ == "__main__":
    sys.exit(main())
