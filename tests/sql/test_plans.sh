#!/bin/bash
# What the assessor asks about many subjects is looked up subject by subject even when it was planned over empty tables, as a server's statements
# are in a new city: no index is read by the district alone, which is all of its rows. In a database of its own, without rows. Prints TAP.
set -euo pipefail
names=(assessor_facts assessor_memberships assessor_people assessor_standings assessor_below assessor_selections)
createdb plans -T template0
trap 'dropdb plans' EXIT
pg_dump --schema-only lianxiao | psql -X -q -d plans >/dev/null
too_much='Index Cond: \(\(?district = [^ )]*\)$|Join Filter|Filter: .* = ANY'
echo "1..${#names[@]}"
n=0
for name in "${names[@]}"; do
    n=$((n + 1))
    file=$LX_ROOT/sql/queries/$name.sql
    last=$(grep -v '^--' "$file" | grep -o '\$[0-9]*' | tr -d '$' | sort -n | tail -1)
    plan=$(psql -X -q -A -t -d plans <<SQL
set enable_seqscan = off;
set jit = off;
set plan_cache_mode = force_generic_plan;
\\set text \`grep -v '^--' '$file'\`
prepare asked as :text;
explain execute asked(null$(printf ', null%.0s' $(seq 2 "$last")));
SQL
    )
    if grep -q 'Index Cond' <<<"$plan" && ! grep -qE "$too_much" <<<"$plan"; then
        echo "ok $n - $name"
    else
        sed 's/^/# /' <<<"$plan"
        echo "not ok $n - $name: reads more than its subjects"
    fi
done
