//! Statements that the proxy answers itself.

use super::{Control, changes::set_transaction, modes::modes, vacuum, words::Words};

/// What the proxy answers in the server's place, if the statement is that.
pub(super) fn control(words: &Words<'_>) -> Option<Control> {
    // `WORK` and `TRANSACTION` say nothing.
    let skip = |n: usize| n + usize::from(words.any(n, &["work", "transaction"]));
    let chain = |n: usize| words.is(n, "and") && words.is(n + 1, "chain");
    Some(match words.raw(0).to_ascii_lowercase().as_str() {
        "begin" => Control::Begin {
            modes: modes(words, skip(1)),
            tag: "BEGIN",
        },
        "start" if words.is(1, "transaction") => Control::Begin {
            modes: modes(words, 2),
            tag: "START TRANSACTION",
        },
        "commit" | "rollback" if words.is(1, "prepared") => Control::FinishPrepared {
            what: if words.is(0, "commit") {
                "COMMIT PREPARED"
            } else {
                "ROLLBACK PREPARED"
            },
            name: words.name(2),
        },
        "commit" | "end" => Control::Commit {
            chain: chain(skip(1)),
        },
        "rollback" | "abort" => {
            let n = skip(1);
            if words.is(n, "to") {
                let n = n + 1 + usize::from(words.is(n + 1, "savepoint"));
                Control::RollbackTo(words.name(n))
            } else {
                Control::Rollback { chain: chain(n) }
            }
        }
        "savepoint" => Control::Savepoint(words.name(1)),
        "release" => Control::Release(words.name(1 + usize::from(words.is(1, "savepoint")))),
        "prepare" if words.is(1, "transaction") => Control::PrepareTransaction,
        "set" => return set_transaction(words),
        "listen" => Control::Listen(words.name(1)),
        "unlisten" => Control::Unlisten((words.raw(1) != "*").then(|| words.name(1))),
        "notify" => Control::Notify {
            channel: words.name(1),
            payload: if words.raw(2) == "," {
                words.name(3)
            } else {
                String::new()
            },
        },
        "discard" if words.is(1, "all") => Control::DiscardAll,
        "deallocate" if words.is(1, "all") || words.is(1, "prepare") && words.is(2, "all") => {
            Control::DeallocateAll
        }
        "vacuum" => Control::Vacuum(vacuum::tables(words).unwrap_or_default()),
        _ => return None,
    })
}
