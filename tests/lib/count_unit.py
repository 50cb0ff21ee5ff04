"""Counts the cmocka tests in ctest's JUnit report and prints "N passed, N failed".

A program that fails without saying which test (a crash, a sanitizer) counts as one failure.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree


def tests_in(output: str, word: str) -> int:
    return sum(int(n) for n in re.findall(r"\[  %s  \] (\d+) test\(s\)" % word, output))


def count(path: str) -> tuple[int, int]:
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        good = tests_in(output, "PASSED")
        if case.get("status") == "run":
            passed += max(good, 1)
        else:
            passed += good
            failed += max(tests_in(output, "FAILED"), 1)
    return passed, failed


def main() -> int:
    try:
        passed, failed = count(sys.argv[1])
    except (ElementTree.ParseError, OSError) as error:
        print(f"no report of the unit tests: {error}")
        passed, failed = 0, 1
    if passed + failed == 0:
        print("no unit tests are registered")
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
