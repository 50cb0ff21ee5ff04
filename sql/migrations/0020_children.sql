-- A unit's children in the order of their codes, for statistics and whatever walks down: path finds all below, which in a city is everything.
create index unit_parent on lx.unit (parent, code);
comment on index lx.unit_parent is 'read by: statistics, the assessor';
-- New units must be found by path without reading a list of what is not yet in the index.
alter index lx.unit_path set (fastupdate = off);
