-- Planted: a page tells another digest than the stream has, so no replica ever proves whole.
do $plant$
begin
  execute replace(pg_get_functiondef('lx.pull'::regproc), 'digest := v_head.digest;', 'digest := v_head.digest # 1;');
end
$plant$;
