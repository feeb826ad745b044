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

/// Definitions: what refuses transactions runs in its other form; temporary tables belong to their connection.
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
    if verb == "CREATE"
        && let Some(n) = (1..4).find(|n| words.any(*n, &["temp", "temporary"]))
        && words.is(n + 1, "table")
    {
        let at = if words.is(n + 2, "if") { n + 5 } else { n + 2 };
        let (name, _) = words.last_part(at);
        let commits = (at..words.len()).find(|n| words.is(*n, "on") && words.is(n + 1, "commit"));
        let on_commit = match commits.map(|n| n + 2) {
            Some(n) if words.is(n, "drop") => OnCommit::Drop,
            Some(n) if words.is(n, "delete") => OnCommit::DeleteRows,
            _ => OnCommit::Keep,
        };
        info.temporary = Some((name, on_commit));
    }
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
