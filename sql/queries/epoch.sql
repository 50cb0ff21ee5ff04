-- epoch: the database's epoch for HelloReply. Any role.
-- parameters: none
-- result: 0 db_epoch bytea (16 bytes)
select db_epoch from lx.epoch limit 1
