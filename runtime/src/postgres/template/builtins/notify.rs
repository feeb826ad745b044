//! Notifications by function, as triggers send them.
//!
//! The server delivers notifications when a transaction commits, and that of a test never does. The
//! statement `NOTIFY` is seen by the proxy; a call within a function is not, so the function tells
//! it.

/// The errors are those of the builtin (`async.c`); the code of the message is the proxy's.
pub(super) const REPLACE: &str = "alter function pg_catalog.pg_notify(text, text) rename to db_test_pg_notify; \
     create function pg_catalog.pg_notify(text, text) returns void language plpgsql strict volatile parallel restricted as $$ begin \
     if current_setting('db_test.proxied', true) is distinct from 'on' then \
       perform pg_catalog.db_test_pg_notify($1, $2); \
     elsif $1 = '' then raise exception 'channel name cannot be empty' using errcode = '22023'; \
     elsif octet_length($1) >= 64 then raise exception 'channel name too long' using errcode = '22023'; \
     elsif octet_length($2) >= 8000 then raise exception 'payload string too long' using errcode = '22023'; \
     else raise info using errcode = 'DBT01', message = $1, detail = $2; end if; end $$";
