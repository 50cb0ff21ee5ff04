-- Where sequential scans are priced out, a statement that has to do one looks dear enough to be compiled, which costs more than it can ever save here.
alter role lianxiao_api set jit = off;
alter role lianxiao_assessor set jit = off;
alter role lianxiao_ops set jit = off;
