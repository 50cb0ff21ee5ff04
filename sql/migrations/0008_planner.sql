-- Workers and assessor ask a few prepared statements for rows that an index finds. A plan made while a table was small must not stay a sequential scan,
-- and a statement of many branches must not be planned again at every call.
alter role lianxiao_api set enable_seqscan = off;
alter role lianxiao_api set plan_cache_mode = force_generic_plan;
alter role lianxiao_assessor set enable_seqscan = off;
