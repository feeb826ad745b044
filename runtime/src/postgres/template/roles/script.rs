//! Where a script of SQL creates and drops roles, outside of strings, comments and bodies of functions.

use std::ops::Range;

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
    for token in ranges(sql).into_iter().chain(end) {
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
    ranges(sql).into_iter().map(|range| &sql[range]).collect()
}

fn ranges(sql: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let (length, counts) = if first.is_whitespace() {
            (first.len_utf8(), false)
        } else if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (comment(rest), false)
        } else if rest.len() > 1 && matches!(&rest.as_bytes()[..2], b"e'" | b"E'") {
            (1 + quoted(&rest[1..], '\'', true), true)
        } else if first == '\'' || first == '"' {
            (quoted(rest, first, false), true)
        } else if let Some(length) = dollar_quoted(rest) {
            (length, true)
        } else if is_word(first) {
            (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), true)
        } else {
            (first.len_utf8(), true)
        };
        if counts {
            ranges.push(at..at + length);
        }
        at += length;
    }
    ranges
}

/// The length of a comment, which may have others in it.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of what stands in quotes; a doubled quote does not end it.
fn quoted(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && has_escapes {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// The length of a string in dollar quotes, if one begins here.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = text.strip_prefix('$')?;
    let length = tag.find('$')?;
    let is_tag = tag[..length]
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_')
        && !tag.starts_with(|c: char| c.is_ascii_digit());
    let quote = &text[..length + 2];
    let end = || text[quote.len()..].find(quote);
    is_tag.then(|| end().map_or(text.len(), |end| end + 2 * quote.len()))
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
    fn a_statement_is_told_with_its_options() {
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
