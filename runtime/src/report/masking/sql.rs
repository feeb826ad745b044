//! Which values of a statement stand for a column, or go to a function, that is named like a secret.
//!
//! A statement is cut at keywords and commas into clauses such as `token = $1`. Where a clause names a
//! secret, all of its values are secrets. The values of a list belong to the names of another one, by
//! their places: `(email, password) values ($1, $2)`.

use std::{collections::HashSet, ops::Range};

use super::{
    lexer::{Token, tokens},
    name::is_secret,
};

/// What is not to be printed of a statement.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// Whether the text has the name of a secret anywhere.
    pub(super) names_any: bool,
    /// Numbers and literals in the text.
    pub(super) values: Vec<Range<usize>>,
    /// The literals that are not secrets as a whole, in a text that names secrets.
    pub(super) others: Vec<Range<usize>>,
    /// The numbers of parameters, from 1.
    parameters: HashSet<usize>,
    /// The last parameter that is seen, where the text names secrets and is not complete.
    seen: Option<usize>,
}

/// At these words a clause ends and another one begins.
const BORDERS: [&str; 22] = [
    "and",
    "conflict",
    "do",
    "from",
    "group",
    "having",
    "join",
    "limit",
    "offset",
    "on",
    "or",
    "order",
    "returning",
    "select",
    "set",
    "union",
    "update",
    "using",
    "values",
    "where",
    "window",
    "with",
];

/// Functions whose first argument is a name.
const NAMING: [&str; 2] = ["set_config", "current_setting"];

/// The secrets of a statement, of which perhaps only the beginning is there.
pub(crate) fn secrets(sql: &str, is_complete: bool) -> Secrets {
    let mut secrets = Secrets::default();
    // Without the name of a secret there is none: most statements end here.
    if !is_secret(sql) {
        return secrets;
    }
    secrets.names_any = true;
    let tokens = tokens(sql);
    let clauses = clauses(&tokens);
    let naming = (0..tokens.len()).filter(|at| names_a_secret(&tokens, *at));
    let naming: HashSet<_> = naming.map(|at| clauses[at]).collect();
    for (at, clause) in clauses.iter().enumerate() {
        if naming.contains(clause) && !is_key(&tokens, at) {
            secrets.add(&tokens[at]);
        }
    }
    for range in lists(&tokens) {
        tokens[range].iter().for_each(|token| secrets.add(token));
    }
    let literals = tokens.iter().filter(|(token, range)| {
        matches!(token, Token::Literal(_)) && !secrets.values.contains(range)
    });
    secrets.others = literals.map(|(_, range)| range.clone()).collect();
    if !is_complete {
        let numbers = tokens.iter().map(|(token, _)| match token {
            Token::Parameter(number) => *number,
            _ => 0,
        });
        secrets.seen = numbers.max();
    }
    secrets
}

impl Secrets {
    /// Whether a parameter is one, by its number from 1.
    pub(crate) fn has_parameter(&self, number: usize) -> bool {
        self.parameters.contains(&number) || self.seen.is_some_and(|seen| number > seen)
    }

    fn add(&mut self, (token, range): &(Token, Range<usize>)) {
        match token {
            Token::Literal(_) | Token::Number => self.values.push(range.clone()),
            Token::Parameter(number) => drop(self.parameters.insert(*number)),
            Token::Name(_) | Token::Sign(_) => {}
        }
    }
}

type Tokens = [(Token, Range<usize>)];

/// The number of the clause that each token belongs to. What stands in parentheses belongs to the clause
/// around them, up to a keyword inside; each value of a row of `values` is a clause.
fn clauses(tokens: &Tokens) -> Vec<usize> {
    let (mut clauses, mut last) = (Vec::new(), 0);
    let mut outside = Vec::new();
    let mut level = Level {
        clause: 0,
        is_list: true,
        has_rows: false,
    };
    for (at, (token, _)) in tokens.iter().enumerate() {
        let is_border = matches!(token, Token::Name(_))
            && BORDERS.iter().any(|border| is_word(tokens, at, border));
        match token {
            Token::Sign('(') => {
                outside.push(level);
                level.is_list = level.has_rows;
                level.has_rows = false;
            }
            Token::Sign(')') => level = outside.pop().unwrap_or(level),
            Token::Sign(',') if !level.is_list => {}
            Token::Sign(',' | ';') => {
                last += 1;
                level.clause = last;
            }
            Token::Name(_) if is_border => {
                last += 1;
                level = Level {
                    clause: last,
                    is_list: true,
                    has_rows: is_word(tokens, at, "values"),
                };
            }
            _ => {}
        }
        clauses.push(level.clause);
    }
    clauses
}

/// Where one is among parentheses.
#[derive(Clone, Copy)]
struct Level {
    clause: usize,
    /// Whether a comma ends the clause.
    is_list: bool,
    /// Whether it is a row of values that stands in the next parentheses.
    has_rows: bool,
}

/// Whether a token names a secret: a column or a function, not the table in front of a dot.
fn names_a_secret(tokens: &Tokens, at: usize) -> bool {
    match &tokens[at].0 {
        Token::Name(name) => is_secret(name) && sign(tokens, at + 1) != Some('.'),
        Token::Literal(text) => is_secret(text),
        _ => false,
    }
}

/// Whether a literal is a key of JSON or the name of a setting, which may be seen.
fn is_key(tokens: &Tokens, at: usize) -> bool {
    let of_json = sign(tokens, at.wrapping_sub(1)) == Some('>')
        && matches!(sign(tokens, at.wrapping_sub(2)), Some('-' | '>'));
    let of_function = sign(tokens, at.wrapping_sub(1)) == Some('(')
        && NAMING
            .iter()
            .any(|name| is_word(tokens, at.wrapping_sub(2), name));
    matches!(tokens[at].0, Token::Literal(_)) && (of_json || of_function)
}

/// The tokens that belong to a secret by their place in a list.
fn lists(tokens: &Tokens) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in tokens.iter().enumerate() {
        let Some(end) = closing(tokens, at) else {
            continue;
        };
        let names = at + 1..end;
        let is_list = tokens[names.clone()]
            .iter()
            .all(|(token, _)| matches!(token, Token::Name(_) | Token::Sign(',')));
        if !is_list {
            continue;
        }
        let names = items(tokens, names).into_iter();
        let places: Vec<_> = names
            .enumerate()
            .filter(|(_, name)| name.clone().any(|at| names_a_secret(tokens, at)))
            .map(|(place, _)| place)
            .collect();
        if !places.is_empty() {
            for row in rows(tokens, at, end) {
                let items = items(tokens, row);
                found.extend(places.iter().filter_map(|place| items.get(*place).cloned()));
            }
        }
    }
    found
}

/// The rows of values whose columns stand in the parentheses from `start` to `end`.
fn rows(tokens: &Tokens, start: usize, end: usize) -> Vec<Range<usize>> {
    // `(…) values`, `(…) select`, also after `overriding system value`, `as (`.
    let near = end + 1..(end + 6).min(tokens.len());
    for at in near {
        if is_word(tokens, at, "values") {
            return rows_of_values(tokens, at + 1);
        }
        if is_word(tokens, at, "select") {
            return vec![selected(tokens, at + 1)];
        }
    }
    // `(values …) as name (…)`, `unnest(…) as name (…)`.
    let mut closed = start.saturating_sub(2);
    if is_word(tokens, closed, "as") {
        closed = closed.saturating_sub(1);
    }
    let Some(opened) = opening(tokens, closed) else {
        return Vec::new();
    };
    if is_word(tokens, opened + 1, "values") {
        return rows_of_values(tokens, opened + 2);
    }
    let arguments = opened + 1..closed;
    vec![arguments]
}

/// The insides of `(…), (…)`.
fn rows_of_values(tokens: &Tokens, mut at: usize) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    while let Some(end) = closing(tokens, at) {
        rows.push(at + 1..end);
        at = end + 1;
        if sign(tokens, at) == Some(',') {
            at += 1;
        }
    }
    // What is not closed is cut off.
    if sign(tokens, at) == Some('(') {
        rows.push(at + 1..tokens.len());
    }
    rows
}

/// What is selected; of `select * from unnest(…)`, the arguments.
fn selected(tokens: &Tokens, at: usize) -> Range<usize> {
    let mut at_last = at;
    while at_last < tokens.len() && !is_word(tokens, at_last, "from") {
        at_last = closing(tokens, at_last).unwrap_or(at_last) + 1;
    }
    if sign(tokens, at) == Some('*')
        && is_word(tokens, at_last + 1, "unnest")
        && let Some(end) = closing(tokens, at_last + 2)
    {
        return at_last + 3..end;
    }
    at..at_last
}

/// The pieces between commas.
fn items(tokens: &Tokens, range: Range<usize>) -> Vec<Range<usize>> {
    let (mut items, mut start, mut at) = (Vec::new(), range.start, range.start);
    while at < range.end {
        if sign(tokens, at) == Some(',') {
            items.push(start..at);
            start = at + 1;
        }
        at = closing(tokens, at).unwrap_or(at) + 1;
    }
    items.push(start..range.end);
    items
}

/// Where the parenthesis that opens here closes.
fn closing(tokens: &Tokens, at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    (at..tokens.len())
        .find(|at| {
            match sign(tokens, *at) {
                Some('(') => depth += 1,
                Some(')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
        .filter(|end| *end > at)
}

/// Where the parenthesis that closes here opens.
fn opening(tokens: &Tokens, at: usize) -> Option<usize> {
    (sign(tokens, at) == Some(')'))
        .then(|| {
            (0..at)
                .rev()
                .find(|start| closing(tokens, *start) == Some(at))
        })
        .flatten()
}

fn sign(tokens: &Tokens, at: usize) -> Option<char> {
    match tokens.get(at)?.0 {
        Token::Sign(sign) => Some(sign),
        _ => None,
    }
}

fn is_word(tokens: &Tokens, at: usize, word: &str) -> bool {
    matches!(tokens.get(at), Some((Token::Name(name), _)) if name.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::{super::masked_sql, secrets};

    /// The statement as it is printed, and the parameters that are masked.
    fn check(sql: &str, shown: &str, masked: &[usize]) {
        let secrets = secrets(sql, true);
        assert_eq!(masked_sql(sql, &secrets), shown);
        let found: Vec<_> = (1..20).filter(|one| secrets.has_parameter(*one)).collect();
        assert_eq!(found, masked, "{sql}");
    }

    fn check_parameters(sql: &str, masked: &[usize]) {
        check(sql, sql, masked);
    }

    #[test]
    fn parameters_compared_with_a_secret_are_secrets() {
        for (sql, masked) in [
            (
                "select id from sessions where token = $1 and user_id = $2",
                &[1][..],
            ),
            (
                "select id from users where email = $1 and $2 = api_key",
                &[2],
            ),
            (
                "select id from users where \"apiKey\" in ($1, $2) or id = $3",
                &[1, 2],
            ),
            (
                "select * from t where (s.token = any($1) or id = $2) and a = $3",
                &[1],
            ),
            (
                "select id from users where password_hash = crypt($2, password_hash) and id = $1",
                &[2],
            ),
            (
                "select 1 from t where a = (select b from s where token = $1) and c = $2",
                &[1],
            ),
            ("select 1 where data->>'password' = $1 and id = $2", &[1]),
            ("select verify_token($1, $2), $3", &[1, 2]),
            ("select $1 as token, $2 as name", &[1]),
            ("select set_config('app.token', $1, false)", &[1]),
            ("delete from tokens where tokens.id = $1", &[]),
            ("select token from sessions where id = $1 limit $2", &[]),
        ] {
            check_parameters(sql, masked);
        }
    }

    #[test]
    fn parameters_written_to_a_secret_are_secrets() {
        for (sql, masked) in [
            (
                "update users set name = $1, password_hash = $2 where id = $3",
                &[2][..],
            ),
            (
                "update users set (name, pin) = ($1, $2) where id = $3",
                &[1, 2],
            ),
            (
                "update users set password = coalesce($1, password), name = $2",
                &[1],
            ),
            ("insert into users (email, password) values ($1, $2)", &[2]),
            (
                "insert into users (email, password) values ($1, crypt($2, $3)), ($4, $5) returning id",
                &[2, 3, 5],
            ),
            (
                "INSERT INTO users (email, password) SELECT $1, $2 WHERE true",
                &[2],
            ),
            (
                "insert into users (email, token, name) select * from unnest($1::text[], $2::text[], $3::text[])",
                &[2],
            ),
            (
                "update u set token = v.token from (values ($1, $2)) as v(id, token) where v.id = u.id",
                &[2],
            ),
            (
                "update u set t = v.token from unnest($1, $2) as v (id, token) where u.id = $3",
                &[1, 2],
            ),
            (
                "insert into t (token) values ($1) on conflict (token) do update set used = $2",
                &[1],
            ),
            ("select create_user(name => $1, password => $2)", &[1, 2]),
        ] {
            check_parameters(sql, masked);
        }
    }

    #[test]
    fn literals_are_masked_in_the_text() {
        for (sql, shown) in [
            (
                "create role ada login password 'sesame'",
                "create role ada login password ***",
            ),
            (
                "ALTER USER ada WITH ENCRYPTED PASSWORD 'it''s'",
                "ALTER USER ada WITH ENCRYPTED PASSWORD ***",
            ),
            (
                "update users set pin = 1234, name = 'ada'",
                "update users set pin = ***, name = 'ada'",
            ),
            (
                "insert into users (email, password) values ('a', e'b\\'c'), ('d', 'e')",
                "insert into users (email, password) values ('a', ***), ('d', ***)",
            ),
            (
                "select 1 where api_key = 'abc' and name = 'ada'",
                "select 1 where api_key = *** and name = 'ada'",
            ),
            ("do $$ begin create role x password 'y'; end $$", "do ***"),
            (
                "select 1 where data->>'token' = 'abc'",
                "select 1 where data->>'token' = ***",
            ),
            (
                "set role ada; set app.token to 'abc'",
                "set role ada; set app.token to ***",
            ),
            (
                "update users set token = 'abc",
                "update users set token = ***",
            ),
        ] {
            check(sql, shown, &[]);
        }
    }

    #[test]
    fn what_is_not_seen_of_a_cut_statement_may_be_a_secret() {
        let cut = secrets(
            "insert into users (email, password) values ($1, $2), ($3",
            false,
        );
        let masked: Vec<_> = (1..6).filter(|one| cut.has_parameter(*one)).collect();
        assert_eq!(masked, [2, 4, 5]);
        assert!(!secrets("select $1", false).has_parameter(2));
    }
}
