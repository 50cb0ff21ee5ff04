"""No function above 80 lines, no C file above 600; every file opens with a comment. Says, without failing, where a
function takes more than 6 parameters."""
import re
import sys

from sources import finish, read, strip_comments, tracked

FILE_LINES = 600
FUNCTION_LINES = 80
PARAMETERS = 6
HEAD = re.compile(r"(\w+)\s*\(([^;{}]*)\)\s*\{", re.DOTALL)


def functions(code: str):
    """(name, parameters, first line, lines) of every function body that opens at the left margin."""
    lines = code.splitlines()
    head, start = "", 0
    i = 0
    while i < len(lines):
        line = lines[i]
        if re.match(r"[A-Za-z_]", line) and not head:
            start = i
        head = head + line + "\n" if (head or re.match(r"[A-Za-z_]", line)) else ""
        if line.rstrip().endswith(";") or line.startswith(("#", "}")) or not line.strip():
            head = ""
        elif line.rstrip().endswith("{"):
            end = next((j for j in range(i, len(lines)) if lines[j].startswith("}")), len(lines) - 1)
            match = HEAD.search(head)
            if match and "=" not in head.split("(")[0]:
                parameters = match.group(2).strip()
                count = 0 if parameters in ("", "void") else parameters.count(",") + 1
                yield match.group(1), count, start + 1, end - start + 1
            head, i = "", end
        i += 1


def check(path: str) -> list[str]:
    text = read(path)
    findings = []
    if text.count("\n") > FILE_LINES:
        findings.append(f"{path}: {text.count(chr(10))} lines (at most {FILE_LINES})")
    if not text.lstrip().startswith(("//", "/*")):
        findings.append(f"{path}:1: the file does not open with a comment that says what it is for")
    if path.startswith("tests/fuzz/"):
        return findings
    for name, parameters, line, lines in functions(strip_comments(text)):
        if lines > FUNCTION_LINES:
            findings.append(f"{path}:{line}: {name} has {lines} lines (at most {FUNCTION_LINES})")
        if parameters > PARAMETERS:
            print(f"{path}:{line}: note: {name} takes {parameters} parameters (better at most {PARAMETERS})")
    return findings


SAMPLE = "static int long_one(int a, int b, int c,\n                    int d, int e, int f, int g) {\n" + "    a++;\n" * 90 + "}\n"


def main() -> int:
    found = list(functions(SAMPLE))
    planted = [] if found == [("long_one", 7, 1, 93)] else [f"the check misreads its own sample: {found}"]
    files = tracked(".c", ".h")
    findings = [f for path in files for f in check(path)]
    at_fault = {f.split(":")[0] for f in findings}
    return finish(len(files) - len(at_fault), findings + planted)


if __name__ == "__main__":
    sys.exit(main())
