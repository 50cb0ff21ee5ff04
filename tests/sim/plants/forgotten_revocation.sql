-- Planted: the replay of the security journal puts nothing.
do $plant$
begin
  execute replace(pg_get_functiondef('lx.security_replay'::regproc), 'perform lx.security_put(p_what[i], p_body[i]::jsonb);', 'null;');
end
$plant$;
