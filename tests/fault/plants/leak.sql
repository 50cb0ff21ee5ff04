-- Planted: pull runs with its owner's rights, past row level security, and adds a row of another district to every page.
do $plant$
declare
  v_result constant text := pg_get_function_result('lx.pull'::regproc);
begin
  alter function lx.pull rename to pull_real;
  execute format($f$
    create function lx.pull(p_district int4, p_stream uuid, p_given int8, p_limit int4, p_began int8) returns %s language sql stable security definer as $$
      select * from lx.pull_real(p_district, p_stream, p_given, p_limit, p_began)
      union all
      (select r.* from (select h.district, h.stream from lx.head h where h.district > 0 and h.district <> p_district and h.live > 0 order by h.stream limit 1) o,
                       lx.pull_real(o.district, o.stream, 0, 1, null) r)
    $$ $f$, v_result);
  grant execute on function lx.pull to lianxiao_api;
end
$plant$;
