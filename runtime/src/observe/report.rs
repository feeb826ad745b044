//! What is printed of a test: errors, its requests and statements, and what met in its database.

mod detail;
mod encounters;
mod masking;
mod printable;
mod story;

use std::fmt::Write;

use sqlx::postgres::PgDatabaseError;

pub(crate) use self::{
    detail::{Detail, Wanted, width},
    masking::{MASK, Secrets, masked, masked_sql, secrets},
    printable::{on_one_line, printable},
};
pub(crate) use self::{
    encounters::{announce_of, of as encounters, of_clock},
    story::of as story,
};

/// An error with what caused it, and what the server says beside its message, as it may be printed.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    printable(&masked(&texts_of(error))).into_owned()
}

fn texts_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = without_source_line(&error.to_string()).to_owned();
    let mut next = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        let part = without_source_line(&part);
        // Many errors repeat their source's text in their own.
        if !text.contains(part) {
            write!(text, ": {part}").ok();
        }
        let said = error
            .downcast_ref()
            .and_then(sqlx::Error::as_database_error);
        if let Some(said) = said.and_then(|said| said.try_downcast_ref::<PgDatabaseError>()) {
            for (label, more) in [("detail", said.detail()), ("hint", said.hint())] {
                more.map(|more| write!(text, "\n{label}: {more}").ok());
            }
        }
        next = error.source();
    }
    text
}

/// sqlx appends a line number to a server's message: that of PostgreSQL's own source, in C.
fn without_source_line(text: &str) -> &str {
    match text.rsplit_once(" at line ") {
        Some((message, number)) if number.chars().all(|c| c.is_ascii_digit()) => message,
        _ => text,
    }
}
