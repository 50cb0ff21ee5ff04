"""Every C file as clang-format writes it (.clang-format); to mend: clang-format -i FILE."""
import re
import subprocess
import sys

from sources import ROOT, finish, tracked


def main() -> int:
    files = tracked(".c", ".h")
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=ROOT, text=True,
                            capture_output=True)
    bad = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, re.MULTILINE)))
    if result.returncode and not bad:
        bad = [result.stderr.strip() or "clang-format failed"]
    return finish(len(files) - len(bad), [f"{name}: not formatted: clang-format -i {name}" for name in bad])


if __name__ == "__main__":
    sys.exit(main())
