//! The forms of what SQLite logs.
//!
//! SQLite cuts them at 700 bytes (`SQLITE_MAX_LOG_MESSAGE`), and older versions at 210.

use std::borrow::Cow;

use crate::observe::recording::CUT;

/// The message and the statement, where it could not be compiled:
/// `no such table: a in "select 1 from a"`.
pub(super) fn refused(text: &str) -> Option<(&str, Cow<'_, str>)> {
    let (message, sql) = text.split_once(" in \"")?;
    let sql = match sql.strip_suffix('"') {
        Some(sql) => sql.trim().into(),
        // The cut may have split a character.
        None => format!("{}{CUT}", sql.trim_end_matches('\u{fffd}').trim()).into(),
    };
    Some((message, sql))
}

/// The message alone, of a statement that was stopped:
/// `statement aborts at 9: UNIQUE constraint failed: a.b; [insert …]`, and in older versions
/// `statement aborts at 9: [insert …] UNIQUE constraint failed: a.b`.
pub(super) fn alone(text: &str) -> &str {
    let behind = text.strip_prefix("statement aborts at ");
    let message = behind.and_then(|rest| rest.split_once(": "));
    let Some((_, message)) = message else {
        return text;
    };
    if message.starts_with('[') {
        let message = message.rsplit_once("] ");
        return message.map_or("SQLite cut its message off", |(_, message)| message);
    }
    message.split("; [").next().unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::{alone, refused};

    #[test]
    fn a_message_stands_without_its_statement() {
        let text =
            "statement aborts at 9: UNIQUE constraint failed: a.b; [insert into a values ('; [')]";
        assert_eq!(alone(text), "UNIQUE constraint failed: a.b");
        let older =
            "statement aborts at 9: [insert into a values ('] ')] UNIQUE constraint failed: a.b";
        assert_eq!(alone(older), "UNIQUE constraint failed: a.b");
        assert_eq!(alone("disk full"), "disk full");
    }

    #[test]
    fn a_statement_that_cannot_be_compiled_is_found_in_its_message() {
        assert_eq!(
            refused("no such table: a in \"select \"b\" from a\""),
            Some(("no such table: a", "select \"b\" from a".into()))
        );
        assert_eq!(
            refused("no such table: a in \"select 'ä\u{fffd}"),
            Some(("no such table: a", "select 'ä …".into()))
        );
        assert_eq!(refused("disk full"), None);
    }
}
