-- epoch_check: see sql/functions/epoch_check.sql. Called by role lianxiao_api.
-- parameters: $1 journal's last number int8 or null, $2 its hash bytea or null
-- result: 0 db_epoch bytea (16 bytes), 1 is_open bool, 2 security_no int8, 3 security_hash bytea, 4 rights_no int8
select * from lx.epoch_check($1::int8, $2::bytea)
