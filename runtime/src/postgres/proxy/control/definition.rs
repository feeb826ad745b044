//! Definitions, and names that belong to their connection.

use super::{Info, OnCommit, PreparedVerb, SqlPrepared, words::Words};

pub(super) fn declare(words: &Words<'_>, info: &mut Info) {
    let holds = (1..words.len()).any(|n| words.is(n, "with") && words.is(n + 1, "hold"));
    if holds {
        info.holdable_cursor = Some(words.name(1));
    } else {
        info.needs_block = Some("DECLARE CURSOR");
        info.cursor = Some(words.name(1));
    }
}

/// Definitions: what refuses transactions runs in its other form; temporary tables belong to their
/// connection.
pub(super) fn definition(words: &Words<'_>, info: &mut Info) {
    let verb = words.raw(0).to_ascii_uppercase();
    let concurrently = (1..words.len().min(12)).find(|n| words.is(*n, "concurrently"));
    let is_index = (1..words.len().min(4)).any(|n| words.any(n, &["index", "table", "partition"]));
    if let Some(n) = concurrently.filter(|_| verb == "REINDEX" || is_index) {
        info.refuses_block = Some(match verb.as_str() {
            "CREATE" => "CREATE INDEX CONCURRENTLY",
            "DROP" => "DROP INDEX CONCURRENTLY",
            "REINDEX" => "REINDEX CONCURRENTLY",
            _ => "ALTER TABLE ... DETACH CONCURRENTLY",
        });
        info.rewritten = Some(words.without(n));
    }
    info.is_about_deferral = (1..words.len()).any(|n| words.any(n, &["deferrable", "deferred"]))
        || words.is(1, "constraint");
    if verb == "CREATE" {
        temporary(words, info);
    }
}

/// What belongs to its connection because it is temporary.
fn temporary(words: &Words<'_>, info: &mut Info) {
    let said = (1..4).find(|n| words.any(*n, &["temp", "temporary"]));
    let is_qualified = (2..words.len()).any(|n| is_temporary_schema(words, n));
    let table = said.unwrap_or(0) + 1;
    if (said.is_some() || is_qualified) && words.is(table, "table") {
        let at = table + if words.is(table + 1, "if") { 4 } else { 1 };
        let (name, _) = words.last_part(at);
        let commits = (at..words.len()).find(|n| words.is(*n, "on") && words.is(n + 1, "commit"));
        let on_commit = match commits.map(|n| n + 2) {
            Some(n) if words.is(n, "drop") => OnCommit::Drop,
            Some(n) if words.is(n, "delete") => OnCommit::DeleteRows,
            _ => OnCommit::Keep,
        };
        info.temporary = Some((name, on_commit));
    } else {
        info.makes_temporary = said.is_some() || is_qualified;
    }
}

/// `SELECT … INTO TEMPORARY`.
pub(super) fn selects_into_temporary(words: &Words<'_>) -> bool {
    (1..words.len()).any(|n| {
        let is_temporary =
            words.any(n + 1, &["temp", "temporary"]) || is_temporary_schema(words, n + 1);
        words.is(n, "into") && is_temporary
    })
}

fn is_temporary_schema(words: &Words<'_>, n: usize) -> bool {
    words.is(n, "pg_temp") && words.raw(n + 1) == "."
}

pub(super) fn prepared(words: &Words<'_>, n: usize, verb: PreparedVerb, info: &mut Info) {
    if let Some(token) = words.tokens.get(n) {
        info.prepared = Some(SqlPrepared {
            verb,
            name: words.name(n),
            at: (token.from, token.to),
        });
    }
}

/// `EXPLAIN (…) EXECUTE name`, by which sqlx finds out what a query returns.
pub(super) fn explained(words: &Words<'_>, info: &mut Info) {
    const OTHERS: [&str; 8] = [
        "select", "insert", "update", "delete", "merge", "with", "values", "create",
    ];
    // In front of the statement there are options, some of them in parentheses.
    let statement = (1..words.len()).find(|n| words.is(*n, "execute") || words.any(*n, &OTHERS));
    if let Some(at) = statement.filter(|at| words.is(*at, "execute")) {
        prepared(words, at + 1, PreparedVerb::Execute, info);
    }
}
