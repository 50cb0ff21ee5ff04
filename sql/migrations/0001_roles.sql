-- Roles and schema. Runs as a superuser: creates roles, and gives functions to roles without login.
-- Roles belong to the cluster, so they may be there already.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['lianxiao_owner', 'lianxiao_writer', 'lianxiao_auth'] loop
    if not exists (select from pg_roles where rolname = v_role) then
      execute format('create role %I nologin', v_role);
    end if;
  end loop;
  foreach v_role in array array['lianxiao_api', 'lianxiao_assessor', 'lianxiao_ops'] loop
    if not exists (select from pg_roles where rolname = v_role) then
      execute format('create role %I login', v_role);
    end if;
  end loop;
end
$$;

create schema if not exists lx;
alter schema lx owner to lianxiao_owner;
revoke all on schema lx from public;
grant usage on schema lx to lianxiao_api, lianxiao_writer, lianxiao_auth, lianxiao_assessor, lianxiao_ops;

-- The runner makes it before the first file when it is not there.
create table if not exists lx.migration (
  number int4 primary key,
  name text not null,
  sha256 bytea not null,
  applied_at timestamptz not null default now()
);
comment on table lx.migration is 'reference: migrations applied to this database';
comment on index lx.migration_pkey is 'read by: lianxiaoctl migrate';

alter role lianxiao_api set search_path = lx;
alter role lianxiao_assessor set search_path = lx;
alter role lianxiao_ops set search_path = lx;
alter role lianxiao_api set statement_timeout = '30s';
alter role lianxiao_api set idle_in_transaction_session_timeout = '60s';
