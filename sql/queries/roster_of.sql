-- roster_of: see sql/functions/roster_of.sql. Called by role lianxiao_api.
-- parameters: $1 person uuid, $2 stream uuid
-- result: 0 what int4, 1 roster_version int8, 2 subject uuid, 3 home_stream uuid, 4 home_roster_version int8, 5 programme int4, 6 unit uuid,
--   7 role int4, 8 from_at timestamptz, 9 until_at timestamptz, 10 guest bool, 11 left_at timestamptz
select * from lx.roster_of($1::uuid, $2::uuid)
