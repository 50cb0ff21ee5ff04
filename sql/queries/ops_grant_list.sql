-- ops_grant_list: see sql/functions/ops_grant_list.sql. Called by role lianxiao_ops.
-- parameters: $1 account text
-- result: 0 grant_id uuid, 1 role int4, 2 unit_code text, 3 from_at timestamptz, 4 until_at timestamptz, 5 revoked_at timestamptz, 6 for_cause bool
select * from lx.ops_grant_list($1::text)
