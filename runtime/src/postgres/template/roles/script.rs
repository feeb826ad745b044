//! Where a script of SQL creates and drops roles, outside of strings, comments and bodies of
//! functions.

use std::ops::Range;

use crate::sql;

/// A statement about roles.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Statement<'a> {
    Create {
        /// As it is written, with its quotes.
        name: &'a str,
        /// Whether it is `create user`.
        logs_in: bool,
        options: &'a str,
    },
    Drop,
}

/// The statements about roles, and where they stand, without what separates them.
pub(super) fn statements(sql: &str) -> Vec<(Range<usize>, Statement<'_>)> {
    let mut found = Vec::new();
    let mut words: Vec<Range<usize>> = Vec::new();
    let end = std::iter::once(sql.len()..sql.len());
    for token in ranges(sql).chain(end) {
        if !token.is_empty() && &sql[token.clone()] != ";" {
            words.push(token);
            continue;
        }
        if let (Some(first), Some(last)) = (words.first(), words.last()) {
            let range = first.start..last.end;
            found.extend(understand(sql, &words).map(|statement| (range, statement)));
        }
        words.clear();
    }
    found
}

fn understand<'a>(sql: &'a str, words: &[Range<usize>]) -> Option<Statement<'a>> {
    let text = |word: &Range<usize>| &sql[word.clone()];
    let [first, second, third, rest @ ..] = words else {
        return None;
    };
    let kind = text(second).to_lowercase();
    if !matches!(kind.as_str(), "role" | "user" | "group")
        || text(third).eq_ignore_ascii_case("mapping")
    {
        return None;
    }
    match text(first).to_lowercase().as_str() {
        "create" => Some(Statement::Create {
            name: text(third),
            logs_in: kind == "user",
            options: rest.last().map_or("", |last| &sql[rest[0].start..last.end]),
        }),
        "drop" => Some(Statement::Drop),
        _ => None,
    }
}

/// The words, numbers, names, strings and signs of a script, without white space and comments.
pub(super) fn tokens(sql: &str) -> Vec<&str> {
    ranges(sql).map(|range| &sql[range]).collect()
}

fn ranges(sql: &str) -> impl Iterator<Item = Range<usize>> {
    sql::tokens(sql, false)
        .into_iter()
        .map(|token| token.from..token.to)
}

#[cfg(test)]
mod tests {
    use super::{Statement, statements};

    fn names(sql: &str) -> Vec<&str> {
        let created = statements(sql).into_iter().filter_map(|(_, statement)| {
            let Statement::Create { name, .. } = statement else {
                return None;
            };
            Some(name)
        });
        created.collect()
    }

    #[test]
    fn roles_are_found_between_other_statements() {
        let sql = "create table t (a text default ';');\n-- create role no;\nCREATE ROLE Yes;\
                   create user \"It's; me\" with login /* ; /* */ ; */ password E'\\';';create group g";
        assert_eq!(names(sql), ["Yes", "\"It's; me\"", "g"]);
    }

    #[test]
    fn what_only_looks_like_it_is_left_alone() {
        let sql = "do $$ begin create role no; end $$; select 'create role no;'; \
                   create function f() returns void language sql as $x$ ; create role no; $x$; \
                   create user mapping for no server s; comment on role no is 'x'";
        assert!(statements(sql).is_empty());
    }

    #[test]
    fn a_statement_is_found_with_its_options() {
        let sql = " create user x with login password 'a' ; drop role y";
        let found = statements(sql);
        assert_eq!(
            &sql[found[0].0.clone()],
            "create user x with login password 'a'"
        );
        assert_eq!(
            found[0].1,
            Statement::Create {
                name: "x",
                logs_in: true,
                options: "with login password 'a'"
            }
        );
        assert_eq!(found[1].1, Statement::Drop);
    }
}
