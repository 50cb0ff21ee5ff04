#!/bin/bash
# What the assessor asks is looked up even when it was planned over empty tables, as a server's statements are in a new city: about many subjects
# no index is read by the district alone, which is all of its rows; of a stream's facts, and of a device's runs, only what is new is read.
# In a database of its own. Prints TAP.
set -euo pipefail
queries=(assessor_facts assessor_memberships assessor_people assessor_standings assessor_below assessor_selections)
createdb plans -T template0
trap 'dropdb plans' EXIT
pg_dump --schema-only lianxiao | psql -X -q -d plans >/dev/null
too_much='Index Cond: \(\(?district = [^ )]*\)$|Join Filter|Filter: .* = ANY'
# What shall only read what is new: name, call, table, column, and what the plan has besides.
news=('streams_advance|select * from lx.streams_advance(null, null)|fact|seq|hashed SubPlan'
      'seal_runs|execute seal_runs(null, null)|op_run|op_to|Index')
echo "1..$((${#queries[@]} + 2 + ${#news[@]}))"
n=0
# The plans of a call, and of all that it runs.
plans_of() {
    psql -X -q -A -t -d plans 2>&1 <<SQL
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_nested_statements = on;
set enable_seqscan = off;
set jit = off;
set plan_cache_mode = force_generic_plan;
\\set text \`grep -v '^--' '$LX_ROOT/sql/queries/seal_runs.sql'\`
prepare seal_runs as :text;
set client_min_messages = log;
$1;
SQL
}
# Whether the plan reads nothing but what it was asked about.
looks_up() {
    n=$((n + 1))
    if grep -q 'Index Cond' <<<"$2" && ! grep -qE "$too_much" <<<"$2"; then
        echo "ok $n - $1"
    else
        sed 's/^/# /' <<<"$2"
        echo "not ok $n - $1: reads more than it was asked about"
    fi
}
for name in "${queries[@]}"; do
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
    looks_up "$name" "$plan"
done
# A city of few streams, planned for as such, and then it grows.
psql -X -q -d plans -c "insert into lx.head (district, stream) select 1, gen_random_uuid() from generate_series(1, 7)" -c 'analyze lx.head'
looks_up standing_put "$(plans_of "select * from lx.standing_put(null$(printf ', null%.0s' {2..13}))")"
for new in "${news[@]}"; do
    n=$((n + 1))
    IFS='|' read -r name call table column besides <<<"$new"
    plan=$(plans_of "$call")
    # The scans that are not for a single value (the next device) have the column's lower end.
    if grep -q "$besides" <<<"$plan" &&
        grep -A1 -E "Index Scan using .* on $table " <<<"$plan" | grep 'Index Cond' | grep -q "$column >" &&
        ! grep -A1 -E "Index Scan using .* on $table " <<<"$plan" | grep 'Index Cond' | grep -qv "$column >"; then
        echo "ok $n - $name"
    else
        sed 's/^/# /' <<<"$plan"
        echo "not ok $n - $name: reads more of $table than what is new"
    fi
done
# When a city is scored anew, hundreds of thousands wait: who does is hashed still, not walked for each new fact.
psql -X -q -d plans -c "insert into lx.todo (district, subject, level, lane, since)
                        select 1, gen_random_uuid(), 5, 1, now() from generate_series(1, 250000)" -c 'analyze lx.todo'
n=$((n + 1))
plan=$(plans_of "select * from lx.streams_advance(null, null)")
if grep -q 'hashed SubPlan' <<<"$plan"; then
    echo "ok $n - streams_advance beside a long list"
else
    sed 's/^/# /' <<<"$plan"
    echo "not ok $n - streams_advance: walks the list for each new fact"
fi
