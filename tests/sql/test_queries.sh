#!/bin/bash
# Every statement of sql/queries can be prepared, says in its header which role calls it ("Role lianxiao_x", or "Any role" = lianxiao_api; those named
# assessor_… and verify_… belong to the assessor), and that role may run it.
# Nothing is executed: EXPLAIN checks the rights. Prints TAP.
set -euo pipefail
files=("$LX_ROOT"/sql/queries/*.sql)
echo "1..${#files[@]}"
n=0
script=$(mktemp)
trap 'rm -f "$script"' EXIT
for file in "${files[@]}"; do
    n=$((n + 1))
    name=$(basename "$file" .sql)
    role=$(sed -n 's/^--.*[Rr]ole \(lianxiao_[a-z]*\).*/\1/p; s/^--.*Any role.*/lianxiao_api/p' "$file" | head -1)
    [[ -n $role || ! $name =~ ^(assessor|verify)_ ]] || role=lianxiao_assessor
    last=$(grep -v '^--' "$file" | grep -o '\$[0-9]*' | tr -d '$' | sort -n | tail -1 || true)
    nulls=$([ -z "$last" ] || printf 'null%.0s, ' $(seq "$last") | sed 's/, $//')
    cat >>"$script" <<SQL
\\set ON_ERROR_STOP off
\\set text \`grep -v '^--' '$file'\`
reset role;
\\set role '${role:-nobody}'
prepare statement_$n as :text;
set role :role;
explain execute statement_$n${nulls:+($nulls)} \\g /dev/null
\\if :ERROR
\\echo not ok $n - $name: :LAST_ERROR_MESSAGE (role :role)
\\else
\\echo ok $n - $name
\\endif
SQL
done
psql -X -q -A -t -f "$script" 2>/dev/null
