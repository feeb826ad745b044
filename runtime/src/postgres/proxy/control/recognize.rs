//! Recognizing a statement by its words.

use super::{
    super::lexer::{Token, TokenKind},
    Access, Advisory, Control, Info, Modes, PreparedVerb, ReadsClock,
    changes::{calls, reset, set, set_transaction, show},
    definition::{declare, definition, explained, prepared},
    words::Words,
};

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
    let without = ["set", "reset", "show", "lock", "discard", "load"];
    info.needs_no_snapshot = words.any(0, &without);
    match words.raw(0).to_ascii_lowercase().as_str() {
        "set" => set(&words, &mut info),
        "reset" => reset(&words, &mut info),
        "show" => info.control = show(&words),
        "copy" => info.is_copy = true,
        "lock" => info.needs_block = Some("LOCK TABLE"),
        "declare" => declare(&words, &mut info),
        "create" | "drop" | "reindex" | "alter" => definition(&words, &mut info),
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
    info.advisory = Advisory::of(&words);
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

/// Whether a command of PostgreSQL's begins with a word.
fn is_command(word: &str) -> bool {
    const COMMANDS: [&str; 56] = [
        "abort",
        "alter",
        "analyse",
        "analyze",
        "begin",
        "call",
        "checkpoint",
        "close",
        "cluster",
        "comment",
        "commit",
        "copy",
        "create",
        "deallocate",
        "declare",
        "delete",
        "discard",
        "do",
        "drop",
        "end",
        "execute",
        "explain",
        "fetch",
        "grant",
        "import",
        "insert",
        "listen",
        "load",
        "lock",
        "merge",
        "move",
        "notify",
        "prepare",
        "reassign",
        "refresh",
        "reindex",
        "release",
        "reset",
        "revoke",
        "rollback",
        "savepoint",
        "security",
        "select",
        "set",
        "show",
        "start",
        "table",
        "truncate",
        "unlisten",
        "update",
        "vacuum",
        "values",
        "with",
        "(",
        "repack",
        "wait",
    ];
    COMMANDS
        .iter()
        .any(|command| command.eq_ignore_ascii_case(word))
}

fn control(words: &Words<'_>) -> Option<Control> {
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
        "vacuum" => Control::NoOp("VACUUM"),

        _ => return None,
    })
}

pub(super) fn modes(words: &Words<'_>, from: usize) -> Modes {
    let mut modes = Modes::default();
    for n in from..words.len() {
        if words.is(n, "read")
            && words.any(n + 1, &["only", "write"])
            && !words.is(n.wrapping_sub(1), "level")
        {
            modes.read_only = Some(words.is(n + 1, "only"));
        }
        if words.is(n, "isolation") && words.is(n + 1, "level") {
            modes.level = Some(level(words, n + 2));
        }
    }
    modes
}

fn level(words: &Words<'_>, n: usize) -> String {
    if words.is(n, "serializable") {
        words.name(n)
    } else {
        format!("{} {}", words.name(n), words.name(n + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Argument, Change, Control, Info, Modes, NewValue, OnCommit, ReadsClock, Verb},
        recognize,
    };
    use crate::postgres::proxy::lexer::tokens;

    fn info(sql: &str) -> Info {
        recognize(sql, &tokens(sql, false))
    }

    fn control(sql: &str) -> Option<Control> {
        info(sql).control
    }

    #[test]
    fn transaction_control_is_known_in_any_form() {
        assert_eq!(
            control("/* x */ Rollback Work To Savepoint \"A\""),
            Some(Control::RollbackTo("A".to_owned()))
        );
        let modes = Modes {
            read_only: Some(true),
            level: Some("serializable".to_owned()),
        };
        assert_eq!(
            control("BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY;"),
            Some(Control::Begin {
                modes,
                tag: "BEGIN"
            })
        );
        assert_eq!(
            control("end transaction and chain"),
            Some(Control::Commit { chain: true })
        );
        assert_eq!(control("abort"), Some(Control::Rollback { chain: false }));
        assert_eq!(control("select 1 -- commit"), None);
    }

    #[test]
    fn isolation_read_committed_is_no_access_mode() {
        let Some(Control::Begin { modes, .. }) =
            control("begin isolation level read committed, read write")
        else {
            panic!("a begin");
        };
        assert_eq!(
            (modes.level.as_deref(), modes.read_only),
            (Some("read committed"), Some(false))
        );
    }

    #[test]
    fn a_setting_is_known_with_the_statement_that_sets_it_again() {
        let change = |is_local, sql: &str| Change {
            name: Argument::Literal("app.tenant".to_owned()),
            is_local,
            to: NewValue::Sql(sql.to_owned()),
        };
        assert_eq!(
            info("set local app.tenant = '7'").changes,
            [change(true, "set local app.tenant = '7'")]
        );
        assert_eq!(
            info("SET app.tenant TO '7';").changes,
            [change(false, "set session app.tenant TO '7'")]
        );
        let by_function = &info("select set_config('app.tenant', $1, false)").changes[0];
        assert_eq!(by_function.to, NewValue::Value(Argument::Parameter(1)));
        assert!(!by_function.is_local);
    }

    #[test]
    fn a_notification_by_function_is_known_with_its_arguments() {
        assert_eq!(
            info("select pg_notify('jobs', $1::text)").notifies,
            [(Argument::Literal("jobs".to_owned()), Argument::Parameter(1))]
        );
    }

    #[test]
    fn what_refuses_transactions_is_rewritten() {
        let info = info("create unique index concurrently i on t (a)");
        assert_eq!(info.refuses_block, Some("CREATE INDEX CONCURRENTLY"));
        assert_eq!(
            info.rewritten.as_deref(),
            Some("create unique index  i on t (a)")
        );
    }

    #[test]
    fn a_clock_that_stands_still_is_recognized() {
        for (sql, how) in [
            ("select now ()", ReadsClock::Call),
            ("select now() < LOCALTIMESTAMP(3)", ReadsClock::Keyword),
        ] {
            assert_eq!(info(sql).reads_clock, Some(how), "{sql}");
        }
        for sql in [
            "select clock_timestamp()",
            "select 'now()'",
            "select now from t",
            "select \"current_time\" from t",
        ] {
            assert_eq!(info(sql).reads_clock, None, "{sql}");
        }
    }

    #[test]
    fn the_tables_of_a_statement_are_known() {
        let joined = info("select * from public.a x, b join c on x.id = c.id where d = 1");
        assert_eq!(joined.access.tables, ["a", "b", "c"]);
        assert_eq!(
            info("insert into \"T\" select 1 from s").access.targets,
            ["T"]
        );
        assert_eq!(
            info("select 1 from jobs for update skip locked")
                .access
                .verb,
            Verb::Lock
        );
        assert_eq!(info("update only t set a = 1").access.targets, ["t"]);
        assert_eq!(
            info("insert into t values (1) on conflict do update set a = 2")
                .access
                .targets,
            ["t"]
        );
    }

    #[test]
    fn a_temporary_table_is_known_with_its_end() {
        assert_eq!(
            info("create temp table if not exists t (a int) on commit drop").temporary,
            Some(("t".to_owned(), OnCommit::Drop))
        );
    }
}
