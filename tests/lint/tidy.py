"""clang-tidy over the C files of the programs (not the tests), within LX_TIDY_SECONDS (120).

A file found clean is remembered in the build folder by the hash of its text and of all headers, so the next run
takes up the files that are new, changed or did not get their turn; the run says how many those were.
"""
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
import time

from sources import ROOT, finish, read, tracked

BUILD = os.environ.get("LX_BUILD", os.path.join(ROOT, "build-dev"))
CACHE = os.path.join(BUILD, "tidy-clean.json")
BUDGET_SECONDS = int(os.environ.get("LX_TIDY_SECONDS", "120"))


def keys(files: list[str]) -> dict[str, str]:
    shared = hashlib.sha256()
    for name in tracked(".h", ".proto", ".clang-tidy"):
        shared.update(read(name).encode())
    return {name: hashlib.sha256(shared.digest() + read(name).encode()).hexdigest() for name in files}


def check(name: str, deadline: float) -> tuple[str, bool, str]:
    """(file, was it looked at, findings)"""
    if time.monotonic() > deadline:
        return name, False, ""
    result = subprocess.run(["clang-tidy", "--quiet", "-p", BUILD, name], cwd=ROOT, text=True, capture_output=True)
    errors = [line for line in result.stdout.splitlines() if ": error: " in line]
    return name, True, "\n".join(errors or [f"{name}: clang-tidy failed"]) if result.returncode else ""


def load_clean() -> set[str]:
    try:
        with open(CACHE, encoding="utf-8") as file:
            return set(json.load(file))
    except (OSError, ValueError):
        return set()


def main() -> int:
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        built = {os.path.relpath(c["file"], ROOT) for c in json.load(file)}
    files = [f for f in tracked(".c") if f in built and not f.startswith("tests/")]
    key = keys(files)
    clean = load_clean()
    deadline = time.monotonic() + BUDGET_SECONDS
    passed, findings, late = len([f for f in files if key[f] in clean]), [], []
    todo = [f for f in files if key[f] not in clean]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, seen, output in pool.map(lambda f: check(f, deadline), todo):
            if not seen:
                late.append(name)
            elif output:
                findings.append(output)
            else:
                passed += 1
                clean.add(key[name])
    with open(CACHE, "w", encoding="utf-8") as file:
        json.dump(sorted(clean), file)
    if late:
        print(f"clang-tidy: no time for {len(late)} of {len(files)} files; the next run takes them up")
    return finish(passed, findings)


if __name__ == "__main__":
    sys.exit(main())
