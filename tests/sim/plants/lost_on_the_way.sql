-- Planted: a unit arrives in its new district without its facts.
do $plant$
begin
  execute replace(pg_get_functiondef('lx.unit_unpack'::regproc), '''membership'', ''fact'',', '''membership'',');
end
$plant$;
