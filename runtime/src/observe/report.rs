//! What is printed of a test: errors, requests and statements, and where its connections were not
//! isolated.

mod detail;
mod isolation;
mod trace;

use std::fmt::Write;

use sqlx::postgres::PgDatabaseError;

pub(crate) use self::{
    detail::{Wanted, width},
    isolation::{clock_finding, isolation_findings, warn_of_isolation},
    trace::trace,
};
use super::{masking::masked, printable::printable};

/// An error with its sources and the server's detail and hint, without secrets and control
/// characters.
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
