-- Re-addresses all rows of one subject from one stream to another of the same district and leaves one tombstone in the old.
-- Takes district, subject, old and new stream. Returns the number of rows moved. Contents and versions stay, so both digests change by the same value.
-- Needs both heads locked by the caller (ascending).
create or replace function lx.move_subject(p_district int4, p_subject uuid, p_from uuid, p_to uuid) returns int8
language plpgsql
as $$
#variable_conflict use_column
declare
  v_start int8;
  v_seq int8;
  v_digest int8 := 0;
  v_rows int8;
  v_part int8;
begin
  select h.head into strict v_start from lx.head h where h.district = p_district and h.stream = p_to;
  v_seq := v_start;

  with u as (
    update lx.person t set stream = p_to, seq = v_seq + 1 where t.district = p_district and t.id = p_subject and t.stream = p_from
    returning t.id, t.version)
  select count(*), coalesce(bit_xor(lx.row_digest(id, version)), 0) into v_rows, v_part from u;
  v_seq := v_seq + v_rows;
  v_digest := v_digest # v_part;

  with r as (
    select m.id, row_number() over (order by m.seq) as n from lx.membership m where m.district = p_district and m.person = p_subject and m.stream = p_from),
  u as (
    update lx.membership t set stream = p_to, seq = v_seq + r.n from r where t.district = p_district and t.id = r.id
    returning t.id, t.version)
  select count(*), coalesce(bit_xor(lx.row_digest(id, version)), 0) into v_rows, v_part from u;
  v_seq := v_seq + v_rows;
  v_digest := v_digest # v_part;

  with r as (
    select f.id, row_number() over (order by f.seq) as n from lx.fact f where f.district = p_district and f.stream = p_from and f.subject = p_subject),
  u as (
    update lx.fact t set stream = p_to, seq = v_seq + r.n from r where t.district = p_district and t.id = r.id
    returning t.id),
  s as (
    update lx.submission t set stream = p_to from r where t.district = p_district and t.fact = r.id)
  select count(*), coalesce(bit_xor(lx.row_digest(id, 1)), 0) into v_rows, v_part from u;
  v_seq := v_seq + v_rows;
  v_digest := v_digest # v_part;

  with r as (
    select s.id, row_number() over (order by s.seq) as n from lx.standing s where s.district = p_district and s.subject = p_subject and s.stream = p_from),
  u as (
    update lx.standing t set stream = p_to, seq = v_seq + r.n from r where t.district = p_district and t.id = r.id
    returning t.id, t.version)
  select count(*), coalesce(bit_xor(lx.row_digest(id, version)), 0) into v_rows, v_part from u;
  v_seq := v_seq + v_rows;
  v_digest := v_digest # v_part;

  perform lx.move_import_keys(p_district, p_subject, p_to, lx.school_of(p_from), lx.school_of(p_to));
  update lx.head h set head = v_seq, live = h.live + (v_seq - v_start), digest = h.digest # v_digest where h.district = p_district and h.stream = p_to;
  insert into lx.left_stream (district, stream, seq, subject, to_stream, left_at)
  select h.district, h.stream, h.head + 1, p_subject, p_to, clock_timestamp() from lx.head h where h.district = p_district and h.stream = p_from
  on conflict (district, stream, subject) do update set seq = excluded.seq, to_stream = excluded.to_stream, left_at = excluded.left_at;
  update lx.head h set head = h.head + 1, live = h.live - (v_seq - v_start), digest = h.digest # v_digest where h.district = p_district and h.stream = p_from;
  return v_seq - v_start;
end
$$;
revoke all on function lx.move_subject from public;
grant execute on function lx.move_subject to lianxiao_writer, lianxiao_carrier;
