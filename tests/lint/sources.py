"""What the checks of tests/lint share: which files are ours, and how a result is printed."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tracked(*suffixes: str, root: str = ROOT) -> list[str]:
    """Files of the project with one of the suffixes: tracked by git, or new and not ignored."""
    command = ["git", "-C", root, "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(n for n in set(names)
                  if n.endswith(suffixes) and os.path.exists(os.path.join(root, n)))


def read(name: str, root: str = ROOT) -> str:
    with open(os.path.join(root, name), encoding="utf-8") as file:
        return file.read()


def strip_comments(code: str) -> str:
    """C without comments, strings and character literals; line numbers stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
    return pattern.sub(lambda m: "\n" * m.group(0).count("\n"), code)


def finish(passed: int, failures: list[str]) -> int:
    """Prints the findings and the result line; the exit code."""
    for line in failures:
        print(line)
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0
