-- An assessor that hangs (or is stopped) inside a round holds heads that pushes need: after a minute its connection ends, its round is undone and begun again.
alter role lianxiao_assessor set idle_in_transaction_session_timeout = '60s';
