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

/// A pool of one connection: the next acquire waits until sqlx has returned the connection, and
/// gives the same one. Otherwise settings, prepared statements and the end of a dropped transaction
/// would depend on chance.
#[db_test::session]
fn session() -> Session {
    several().max_connections(1)
}

/// For programs that use several connections at once, none of which leaves anything behind on one.
fn several() -> Session {
    Session::postgres()
        .migrations("tests/fidelity/migrations")
        .seed_sql("insert into items (name) values ('seeded')")
}
