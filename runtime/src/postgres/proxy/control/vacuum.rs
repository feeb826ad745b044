//! `VACUUM`: the tables that it names.

use super::words::Words;

/// The tables, as the statement writes them. `None` where the words are not understood.
pub(super) fn tables(words: &Words<'_>) -> Option<Vec<String>> {
    const OPTIONS: [&str; 5] = ["full", "freeze", "verbose", "analyze", "analyse"];
    let mut at = 1;
    if words.raw(at) == "(" {
        at = after_parenthesis(words, at)?;
    }
    while words.any(at, &OPTIONS) {
        at += 1;
    }
    let mut found = Vec::new();
    while at < words.len() {
        if words.is(at, "only") && words.is_name(at + 1) {
            at += 1;
        }
        let (name, mut next) = name(words, at)?;
        found.push(name);
        if words.raw(next) == "*" {
            next += 1;
        }
        if words.raw(next) == "(" {
            next = after_parenthesis(words, next)?;
        }
        match words.raw(next) {
            "," => at = next + 1,
            "" => return Some(found),
            _ => return None,
        }
    }
    found.is_empty().then_some(found)
}

/// A name with its dots and quotes, and the number of the token after it.
fn name(words: &Words<'_>, mut at: usize) -> Option<(String, usize)> {
    let mut name = String::new();
    loop {
        if !words.is_name(at) {
            return None;
        }
        name.push_str(words.raw(at));
        at += 1;
        if words.raw(at) != "." {
            return Some((name, at));
        }
        name.push('.');
        at += 1;
    }
}

fn after_parenthesis(words: &Words<'_>, open: usize) -> Option<usize> {
    let mut rest = open + 1..words.len();
    rest.find(|n| words.raw(*n) == ")").map(|close| close + 1)
}
