//! Recognizing a statement by its words.

use super::{
    Access, Advisory, Info, PreparedVerb, ReadsClock,
    changes::{calls, reset, set, show},
    commands::is_command,
    definition::{declare, definition, explained, prepared, selects_into_temporary},
    transaction::control,
    words::Words,
};
use crate::sql::{Token, TokenKind};

/// What is to be known of a statement, given its text and its tokens.
pub(in crate::postgres::proxy) fn recognize(sql: &str, tokens: &[Token]) -> Info {
    let end = tokens
        .iter()
        .rposition(|token| &sql[token.from..token.to] != ";");
    let words = Words {
        sql,
        tokens: end.map_or(&[], |end| &tokens[..=end]),
    };
    let mut info = Info::default();
    if words.len() == 0 {
        info.is_empty = true;
        return info;
    }
    if !is_command(words.raw(0)) {
        info.unknown = Some(words.raw(0).to_owned());
    }
    info.control = control(&words);
    if info.control.is_some() {
        return info;
    }
    let without = [
        "set",
        "reset",
        "show",
        "lock",
        "fetch",
        "move",
        "checkpoint",
    ];
    info.needs_no_snapshot = words.any(0, &without);
    match words.raw(0).to_ascii_lowercase().as_str() {
        "set" => set(&words, &mut info),
        "reset" => reset(&words, &mut info),
        "show" => info.control = show(&words),
        "copy" => info.is_copy = true,
        "lock" => info.needs_block = Some("LOCK TABLE"),
        "declare" => declare(&words, &mut info),
        "create" | "drop" | "reindex" | "alter" => definition(&words, &mut info),
        "select" | "with" => info.makes_temporary = selects_into_temporary(&words),
        // What a block does is a text to these words.
        "do" => info.makes_temporary = sql.to_ascii_lowercase().contains("temp"),
        "prepare" => prepared(&words, 1, PreparedVerb::Prepare, &mut info),
        "execute" => prepared(&words, 1, PreparedVerb::Execute, &mut info),
        "explain" => explained(&words, &mut info),
        "deallocate" => {
            let n = if words.is(1, "prepare") { 2 } else { 1 };
            prepared(&words, n, PreparedVerb::Deallocate, &mut info);
        }
        _ => {}
    }
    calls(&words, &mut info);
    info.reads_clock = reads_clock(&words);
    info.advisory = Advisory::all(&words);
    info.access = Access::of(&words);
    info
}

fn reads_clock(words: &Words<'_>) -> Option<ReadsClock> {
    const WORDS: [&str; 4] = [
        "current_timestamp",
        "current_time",
        "localtimestamp",
        "localtime",
    ];
    let is_word = |n: &usize| words.kind(*n) == Some(TokenKind::Word);
    let is_call = |n: usize| {
        words.any(n, &["now", "transaction_timestamp"])
            && words.raw(n + 1) == "("
            && words.raw(n + 2) == ")"
    };
    let mut all = (0..words.len()).filter(is_word);
    if all.clone().any(|n| words.any(n, &WORDS)) {
        return Some(ReadsClock::Keyword);
    }
    all.any(is_call).then_some(ReadsClock::Call)
}

#[cfg(test)]
mod tests;
