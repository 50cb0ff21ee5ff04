-- The districts of this database cell with the day they have begun.
-- Returns district int4, day date. Locks nothing.
select district, day from lx.district_state order by district
