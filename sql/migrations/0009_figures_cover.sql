-- figures_cover (owned by the writer) looks how far the assessor has read.
grant select on lx.stream_cursor to lianxiao_writer;
