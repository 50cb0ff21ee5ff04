-- A transfer that was done is known wherever the person is: its package stays in the district that sent him, which may be asked by nobody else when his school, or he,
-- has gone on to a third one.
alter table lx.person add column transfers uuid[];
comment on column lx.person.transfers is 'transfers between districts that he has arrived by, also those that took him back; null: none';
update lx.person p set transfers = k.transfers
from (select person, array_agg(transfer order by taken_at) as transfers from lx.transit_package where taken_by is not null group by person) k
where k.person = p.id;
