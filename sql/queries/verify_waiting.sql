-- What the assessor has not got to yet, in all districts.
-- Returns waiting int8 (entries of todo, unread facts, figures to be taken back). Locks nothing.
select (select count(*) from lx.todo)
     + (select count(*) from lx.standing_gone)
     + (select count(*)
        from lx.head h
        left join lx.stream_cursor c on c.district = h.district and c.stream = h.stream
        join lx.fact f on f.district = h.district and f.stream = h.stream and f.seq > coalesce(c.seq, 0)
        where h.head > coalesce(c.seq, 0)) as waiting
