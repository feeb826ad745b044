//! The schemas of `variants`, in SQLite's words.

use std::sync::LazyLock;

use sqlx::migrate::Migrator;
use variants::schema::migrator;

const NOTES: &str = "create table notes (
    id integer primary key,
    author text not null,
    text text not null
);
create index notes_author on notes (author);";

pub static ONE: LazyLock<Migrator> = LazyLock::new(|| migrator(1, NOTES, other));
pub static THREE_HUNDRED: LazyLock<Migrator> = LazyLock::new(|| migrator(300, NOTES, other));

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
