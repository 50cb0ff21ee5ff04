-- audit_heads: what the heads say, for comparison with the rows. Called by role lianxiao_assessor.
-- result: 0 district int4, 1 stream uuid, 2 head int8, 3 live int8, 4 digest int8, 5 runs int8
select h.district, h.stream, h.head, h.live, h.digest, h.runs from lx.head h order by h.district, h.stream
