//! Values that belong to a name by their place in a list: `(email, password) values ($1, $2)`.

use std::ops::Range;

use super::{
    name::names_a_secret,
    token::{Token, Tokens, is_word, sign},
};

/// The tokens that belong to a secret by their place in a list.
pub(super) fn lists(tokens: &Tokens) -> Vec<Range<usize>> {
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
