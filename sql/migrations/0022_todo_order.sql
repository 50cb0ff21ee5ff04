-- Who waits longest is assessed first, and the assessor finds whether somebody waits already: under load the same teachers came again with every push.
drop index lx.todo_next;
create index todo_next on lx.todo (district, lane, level desc, since);
comment on index lx.todo_next is 'read by: todo_take, figures_cover, assessor_due, ops_district_state';
create index todo_subject on lx.todo (district, lane, subject);
comment on index lx.todo_subject is 'read by: streams_advance (waits already)';
