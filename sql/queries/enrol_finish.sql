-- enrol_finish: see sql/functions/enrol_finish.sql. Called by role lianxiao_api.
-- parameters: $1 lookup text, $2 hash bytea, $3 device bytea, $4 label text, $5 certificate_until timestamptz
-- result: 0 verdict int4
select * from lx.enrol_finish($1::text, $2::bytea, $3::bytea, $4::text, $5::timestamptz)
