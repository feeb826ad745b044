//! A soak: many processes at once run tests that do everything wrong, at random, and in the end
//! each lane is compared with its template.
//!
//! It runs for seconds by default; `DB_TEST_SOAK_SECONDS=600 cargo test -p db-test --test soak` for
//! minutes. It prints how much was tried.

mod comparison;
mod misdeeds;
#[expect(dead_code, reason = "more of it is used elsewhere")]
#[path = "../it/place.rs"]
mod place;
mod storm;

use db_test::Session;

#[db_test::session]
fn session() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .seed_sql("insert into items (name) values ('seeded'); insert into parts values (1)")
}
