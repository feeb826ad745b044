//! The sandbox against production: the same operations on a plain pool with real commits and in
//! the sandbox, and what the application sees compared.

mod applications;
mod cancellation;
mod comparison;
mod connections;
mod constraints;
mod content;
mod control;
mod copying;
mod differences;
mod failures;
mod names;
mod programs;
mod settings;
mod statements;
mod transactions;
mod types;
#[cfg(unix)]
mod wire;

use db_test::Session;

#[db_test::session]
fn session() -> Session {
    Session::postgres()
        .migrations("tests/fidelity/migrations")
        .seed_sql("insert into items (name) values ('seeded')")
        .acquire_timeout(std::time::Duration::from_secs(1))
}
