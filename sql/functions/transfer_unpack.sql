-- Puts the rows of a package into a stream, with their ids, contents and versions, under a district's keys. The assessor adds the person's figures anew.
-- Takes district, stream and package. Returns nothing. Needs the stream's head locked by the caller.
create or replace function lx.transfer_unpack(p_district int4, p_stream uuid, p_body jsonb) returns void
language plpgsql
as $$
declare
  v_seq int8;
  v_start int8;
  v_digest int8 := lx.row_digest((p_body #>> '{person,id}')::uuid, (p_body #>> '{person,version}')::int8);
  v_rows int8;
  v_part int8;
begin
  select h.head into strict v_start from lx.head h where h.district = p_district and h.stream = p_stream;
  insert into lx.person
  select (jsonb_populate_record(null::lx.person, (p_body -> 'person') || jsonb_build_object('district', p_district, 'stream', p_stream, 'seq', v_start + 1))).*;
  v_seq := v_start + 1;

  with u as (
    insert into lx.membership
    select (jsonb_populate_record(null::lx.membership, r.row || jsonb_build_object('district', p_district, 'stream', p_stream, 'seq', v_seq + r.n))).*
    from jsonb_array_elements(p_body -> 'memberships') with ordinality r (row, n)
    returning id, version)
  select count(*), coalesce(bit_xor(lx.row_digest(id, version)), 0) into v_rows, v_part from u;
  v_seq := v_seq + v_rows;
  v_digest := v_digest # v_part;

  with u as (
    insert into lx.fact
    select (jsonb_populate_record(null::lx.fact, r.row || jsonb_build_object('district', p_district, 'stream', p_stream, 'seq', v_seq + r.n))).*
    from jsonb_array_elements(p_body -> 'facts') with ordinality r (row, n)
    returning id)
  select count(*), coalesce(bit_xor(lx.row_digest(id, 1)), 0) into v_rows, v_part from u;
  v_seq := v_seq + v_rows;
  v_digest := v_digest # v_part;
  insert into lx.submission
  select (jsonb_populate_record(null::lx.submission, r.row || jsonb_build_object('district', p_district, 'stream', p_stream))).*
  from jsonb_array_elements(p_body -> 'submissions') r (row);
  insert into lx.import_key
  select (jsonb_populate_record(null::lx.import_key, r.row || jsonb_build_object('district', p_district, 'school', lx.school_of(p_stream)))).*
  from jsonb_array_elements(p_body -> 'keys') r (row)
  on conflict (district, school, source_key) do nothing;

  with u as (
    insert into lx.standing
    select (jsonb_populate_record(null::lx.standing, r.row || jsonb_build_object('district', p_district, 'stream', p_stream, 'seq', v_seq + r.n))).*
    from jsonb_array_elements(p_body -> 'standings') with ordinality r (row, n)
    returning id, version)
  select count(*), coalesce(bit_xor(lx.row_digest(id, version)), 0) into v_rows, v_part from u;
  v_seq := v_seq + v_rows;
  v_digest := v_digest # v_part;
  update lx.head h set head = v_seq, live = h.live + (v_seq - v_start), digest = h.digest # v_digest where h.district = p_district and h.stream = p_stream;
end
$$;
revoke all on function lx.transfer_unpack from public;
grant execute on function lx.transfer_unpack to lianxiao_carrier;
