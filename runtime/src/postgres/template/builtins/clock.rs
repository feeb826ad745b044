//! The time at which a transaction began.
//!
//! To the server, all of a test is one transaction, in which `now()` stands still. The proxy says
//! what it is: in a transaction of the application, the time at which that began; outside of one,
//! the time of the statement. `CURRENT_TIMESTAMP` and its kind are no functions, and stand still.

/// In PL/pgSQL, so that a plan shows the call and not what it is made of. The cost is the
/// builtin's.
pub(super) const REPLACE: &str = "alter function pg_catalog.now() rename to db_test_now; \
     alter function pg_catalog.transaction_timestamp() rename to db_test_transaction_timestamp; \
     create function pg_catalog.now() returns timestamptz language plpgsql stable strict parallel safe cost 1 as $$ \
     declare at text := pg_catalog.current_setting('db_test.now', true); begin \
     if at = 'statement' then return pg_catalog.statement_timestamp(); \
     elsif at is null or at = '' then return pg_catalog.db_test_now(); \
     else return pg_catalog.to_timestamp(at::double precision); end if; end $$; \
     create function pg_catalog.transaction_timestamp() returns timestamptz language plpgsql stable strict parallel safe \
     cost 1 as $$ begin return pg_catalog.now(); end $$";
