//! Schemas of as many migrations as one likes.

use std::{borrow::Cow, fmt::Write, sync::LazyLock};

use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

const NOTES: &str = "create table notes (
    id bigint generated always as identity primary key,
    author text not null,
    text text not null
);
create index notes_author on notes (author);";

pub static ONE: LazyLock<Migrator> = LazyLock::new(|| migrator(1, NOTES, other));
pub static THIRTY: LazyLock<Migrator> = LazyLock::new(|| migrator(30, NOTES, other));
pub static THREE_HUNDRED: LazyLock<Migrator> = LazyLock::new(|| migrator(300, NOTES, other));

/// The table that the application uses, and as many other migrations as are missing: as a grown
/// application has them, a third make a table with an index, the others alter one.
pub fn migrator(count: i64, notes: &str, other: fn(i64) -> String) -> Migrator {
    let others = (2..=count).map(|number| migration(number, other(number)));
    let all = std::iter::once(migration(1, notes.to_owned())).chain(others);
    Migrator::with_migrations(all.collect())
}

fn migration(version: i64, sql: String) -> Migration {
    Migration::new(
        version,
        Cow::Borrowed("generated"),
        MigrationType::Simple,
        AssertSqlSafe(sql).into_sql_str(),
        false,
    )
}

fn other(number: i64) -> String {
    let (table, step) = (number / 3, number % 3);
    let mut sql = String::new();
    match step {
        2 => {
            let table = table + 1;
            write!(
                sql,
                "create table things_{table} (id bigint generated always as identity primary key, \
                 name text not null unique, made timestamptz not null default now());"
            )
        }
        0 => write!(
            sql,
            "alter table things_{table} add weight int not null default 0;"
        ),
        _ => write!(
            sql,
            "create index things_{table}_weight on things_{table} (weight);"
        ),
    }
    .expect("a string can be written to");
    sql
}
