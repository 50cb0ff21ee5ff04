-- Planted: facts never get through, as if the heads stayed locked for ever.
do $plant$
begin
  execute replace(pg_get_functiondef('lx.push'::regproc), E'\nbegin\n', E'\nbegin\n  raise exception ''planted'' using errcode = ''lock_not_available'';\n');
end
$plant$;
