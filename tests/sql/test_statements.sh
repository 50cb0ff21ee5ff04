#!/bin/bash
# The answers that the fuzz targets' fake database makes up have the columns and types of the real one's. Prints TAP.
# LX_UPDATE=1 tests/sql/run writes them down anew.
set -uo pipefail
echo "1..1"
[ -z "${LX_UPDATE:-}" ] || "$LX_ROOT/tests/sql/describe_statements" >"$LX_ROOT/tests/fuzz/statements.txt"
if difference=$(diff "$LX_ROOT/tests/fuzz/statements.txt" <("$LX_ROOT/tests/sql/describe_statements")); then
    echo "ok 1 - tests/fuzz/statements.txt"
else
    sed 's/^/# /' <<<"$difference"
    echo "not ok 1 - tests/fuzz/statements.txt is not what PostgreSQL says: LX_UPDATE=1 tests/sql/run writes it anew"
fi
