//! What to do about a migration that cannot create what belongs to the whole server, or that cannot
//! be in a transaction.

use sqlx::migrate::Migration;

use crate::{
    postgres::sqlstate::{self, is},
    sql,
};

const TABLESPACE: &str = "\na tablespace belongs to the whole server, and a migration runs for each new test database: \
    create it where the server is set up, outside of the migrations";

const DATABASE: &str = "\na database belongs to the whole server, and a migration runs for each new test database: \
    create it outside of the migrations, or, where the tests need it, \
    add it to the session: `.database(\"name\", |database| database.migrations(…))`";

const OUTSIDE_TRANSACTION: &str =
    "\nmake it the one statement of its migration, whose first line is `-- no-transaction`";

/// What to do, on a line of its own; none if the error is about something else.
pub(super) fn help(migration: Option<&Migration>, error: &sqlx::Error) -> Option<&'static str> {
    let is_any = |codes: &[&str]| codes.iter().any(|code| is(error, code));
    let script = migration.map_or("", |migration| migration.sql.as_str());
    let created = created(script);
    let failures = [
        sqlstate::ACTIVE_SQL_TRANSACTION,
        sqlstate::INSUFFICIENT_PRIVILEGE,
        sqlstate::DUPLICATE_DATABASE,
        sqlstate::DUPLICATE_OBJECT,
    ];
    if is_any(&failures) && created.is_some() {
        return created;
    }
    is_any(&[sqlstate::ACTIVE_SQL_TRANSACTION]).then_some(OUTSIDE_TRANSACTION)
}

/// What to do about the first statement of a script that creates a database or a tablespace.
fn created(script: &str) -> Option<&'static str> {
    let tokens = sql::tokens(script, false);
    let of_statement = |(start, end): (usize, usize)| {
        let mut words = tokens
            .iter()
            .filter(move |token| token.from >= start && token.to <= end)
            .map(|token| script[token.from..token.to].to_ascii_lowercase());
        match (words.next()?.as_str(), words.next()?.as_str()) {
            ("create", "database") => Some(DATABASE),
            ("create", "tablespace") => Some(TABLESPACE),
            _ => None,
        }
    };
    sql::statements(script, &tokens)
        .into_iter()
        .find_map(of_statement)
}

#[cfg(test)]
mod tests {
    use super::{DATABASE, TABLESPACE, created};

    #[test]
    fn only_statements_that_create_for_the_whole_server_are_found() {
        let script = "-- create database a;\ncreate table t (); Create /* x */ DATABASE b";
        assert_eq!(created(script), Some(DATABASE));
        assert_eq!(
            created("create tablespace s location '/s'"),
            Some(TABLESPACE)
        );
        for script in [
            "comment on database a is 'create database b'",
            "create table database ()",
            "do $$ begin create database x; end $$",
            "",
        ] {
            assert_eq!(created(script), None, "{script}");
        }
    }
}
