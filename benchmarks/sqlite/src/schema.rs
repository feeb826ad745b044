//! The schemas of `variants`, in SQLite's words.

use std::{borrow::Cow, sync::LazyLock};

use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

const NOTES: &str = "create table notes (
    id integer primary key,
    author text not null,
    text text not null
);
create index notes_author on notes (author);";

pub static ONE: LazyLock<Migrator> = LazyLock::new(|| migrator(1));
pub static THREE_HUNDRED: LazyLock<Migrator> = LazyLock::new(|| migrator(300));

/// The table that the application uses, and as many other migrations as are missing: a third make a
/// table with an index, the others alter one.
fn migrator(count: i64) -> Migrator {
    let others = (2..=count).map(|number| migration(number, other(number)));
    let all = std::iter::once(migration(1, NOTES.to_owned())).chain(others);
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
    match step {
        2 => {
            let table = table + 1;
            format!(
                "create table things_{table} (id integer primary key, name text not null unique, \
                 made text not null default current_timestamp);"
            )
        }
        0 => format!("alter table things_{table} add weight int not null default 0;"),
        _ => format!("create index things_{table}_weight on things_{table} (weight);"),
    }
}
