//! The forms of what SQLite logs.

/// The message and the statement, where it could not be compiled: `no such table: a in "select 1 from a"`.
pub(super) fn refused(text: &str) -> Option<(&str, &str)> {
    let (message, sql) = text.split_once(" in \"")?;
    Some((message, sql.strip_suffix('"')?))
}

/// The message alone, of a statement that was stopped: `statement aborts at 9: UNIQUE constraint failed: a.b; [insert …]`.
pub(super) fn alone(text: &str) -> &str {
    let behind = text.strip_prefix("statement aborts at ");
    let message = behind.and_then(|rest| rest.split_once(": "));
    let Some((_, message)) = message else {
        return text;
    };
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
        assert_eq!(alone("disk full"), "disk full");
    }

    #[test]
    fn a_statement_that_cannot_be_compiled_is_found_in_its_message() {
        assert_eq!(
            refused("no such table: a in \"select \"b\" from a\""),
            Some(("no such table: a", "select \"b\" from a"))
        );
        assert_eq!(refused("disk full"), None);
    }
}
