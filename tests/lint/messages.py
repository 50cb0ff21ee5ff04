"""Texts for people: every one in the sources has its Chinese in po/zh_CN.po, and none there is left over.

English is the key. Also checks that a translation keeps the places of its values (msgfmt --check).
"""
import glob
import os
import re
import subprocess

from sources import ROOT, finish, read

PO = "po/zh_CN.po"
SOURCES = ["client/cli"]


def entries(text: str) -> dict[str, str]:
    """msgid -> msgstr of a catalogue; obsolete entries (#~) count as left over."""
    found = {}
    for block in re.split(r"\n\s*\n", text):
        match = re.search(r'^(?:#~ )?msgid ((?:"(?:[^"\\]|\\.)*"\s*(?:#~ )?)+)^(?:#~ )?msgstr ((?:"(?:[^"\\]|\\.)*"\s*(?:#~ )?)+)',
                          block + "\n", re.M)
        if match:
            key, value = ("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', part)) for part in match.groups())
            found[key] = value
    found.pop("", None)
    return found


def used() -> dict[str, str]:
    files = [path for folder in SOURCES for path in sorted(glob.glob(f"{ROOT}/{folder}/*.c"))]
    out = subprocess.run(["xgettext", "--from-code=UTF-8", "-k_", "-kN_", "--omit-header", "--no-wrap", "-o", "-", *files],
                         capture_output=True, text=True, check=True)
    return entries(out.stdout)


def main() -> int:
    problems = []
    wanted = used()
    text = read(PO)
    there = entries(text)
    for key in wanted:
        if not there.get(key):
            problems.append(f'{PO}: no Chinese for "{key}"')
    problems += [f'{PO}: "{key}" is used nowhere' for key in there if key not in wanted]
    if "fuzzy" in text:
        problems.append(f"{PO}: has fuzzy entries")
    check = subprocess.run(["msgfmt", "--check", "-o", os.devnull, f"{ROOT}/{PO}"], capture_output=True, text=True)
    if check.returncode != 0:
        problems.append(check.stderr.strip())
    return finish(len(wanted) + 1 - min(len(problems), len(wanted) + 1), problems)


if __name__ == "__main__":
    raise SystemExit(main())
