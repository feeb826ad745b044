//! Recognizing a statement by its words.

use super::{
    super::lexer::{Token, TokenKind},
    Access, Argument, Change, Control, Info, Modes, NewValue, OnCommit, PreparedVerb, SqlPrepared,
    words::Words,
};

/// Settings by which the server ends a connection that does nothing. The backend of all clients is always in
/// a transaction, so it never gets them.
pub(in crate::postgres::proxy) const VIRTUAL: [&str; 3] = [
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
];

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
        "deallocate" => {
            let n = if words.is(1, "prepare") { 2 } else { 1 };
            prepared(&words, n, PreparedVerb::Deallocate, &mut info);
        }
        _ => {}
    }
    calls(&words, &mut info);
    info.access = Access::of(&words);
    info
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

fn modes(words: &Words<'_>, from: usize) -> Modes {
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

/// `SET TRANSACTION`, and the settings that mean the same.
fn set_transaction(words: &Words<'_>) -> Option<Control> {
    if words.is(1, "transaction") && !words.is(2, "snapshot") {
        return Some(Control::SetTransaction(modes(words, 2)));
    }
    let n = 1 + usize::from(words.any(1, &["local", "session"]));
    let value = || words.name(n + 2);
    if words.is(n, "transaction_isolation") {
        return Some(Control::SetTransaction(Modes {
            level: Some(value()),
            read_only: None,
        }));
    }
    if words.is(n, "transaction_read_only") {
        return Some(Control::SetTransaction(Modes {
            level: None,
            read_only: Some(is_on(&value())),
        }));
    }
    let is_virtual = VIRTUAL.iter().any(|name| words.is(n, name));
    is_virtual.then(|| Control::SetVirtual {
        name: words.name(n),
        value: value(),
    })
}

pub(in crate::postgres::proxy) fn is_on(value: &str) -> bool {
    matches!(
        value.to_ascii_lowercase().as_str(),
        "on" | "true" | "yes" | "1"
    )
}

fn show(words: &Words<'_>) -> Option<Control> {
    if words.is(1, "transaction") && words.is(2, "isolation") {
        return Some(Control::ShowVirtual("transaction_isolation".to_owned()));
    }
    let name = words.name(1);
    let is_ours = name == "transaction_isolation" || VIRTUAL.contains(&name.as_str());
    is_ours.then_some(Control::ShowVirtual(name))
}

fn set(words: &Words<'_>, info: &mut Info) {
    let n = match () {
        () if words.is(1, "local") => 2,
        () if words.is(1, "session") && !words.is(2, "authorization") => 2,
        () => 1,
    };
    info.is_set_local = words.is(1, "local");
    if info.is_set_local {
        info.warns_outside = Some("SET LOCAL");
    } else if words.is(1, "constraints") {
        info.warns_outside = Some("SET CONSTRAINTS");
    }
    if words.is(n, "characteristics") {
        let modes = modes(words, n);
        let changes = [
            modes
                .read_only
                .map(|on| ("default_transaction_read_only", on.to_string())),
            modes
                .level
                .map(|level| ("default_transaction_isolation", format!("'{level}'"))),
        ];
        for (name, value) in changes.into_iter().flatten() {
            info.changes.push(Change {
                name: Argument::Literal(name.to_owned()),
                is_local: false,
                to: NewValue::Sql(format!("set {name} = {value}")),
            });
        }
        return;
    }
    let name = match () {
        () if words.is(n, "constraints") || words.is(n, "transaction") => return,
        () if words.is(n, "time") && words.is(n + 1, "zone") => "timezone".to_owned(),
        () if words.is(n, "session") => "session_authorization".to_owned(),
        () if words.is(n, "names") => "client_encoding".to_owned(),
        () if words.is(n, "schema") => "search_path".to_owned(),
        () => words.dotted(n).0,
    };
    let text = words.rest_from(n);
    let from_current = (n..words.len()).any(|n| words.is(n, "from") && words.is(n + 1, "current"));
    let last = words.len() - 1;
    let to = match () {
        () if words.is(last, "default") => NewValue::Default,
        () if from_current => NewValue::Value(Argument::Unknown),
        () => NewValue::Sql(format!(
            "set {} {text}",
            if info.is_set_local {
                "local"
            } else {
                "session"
            }
        )),
    };
    info.changes.push(Change {
        name: Argument::Literal(name.to_ascii_lowercase()),
        is_local: info.is_set_local,
        to,
    });
}

fn reset(words: &Words<'_>, info: &mut Info) {
    let name = match () {
        () if words.is(1, "all") => String::new(),
        () if words.is(1, "session") => "session_authorization".to_owned(),
        () if words.is(1, "time") => "timezone".to_owned(),
        () => words.dotted(1).0.to_ascii_lowercase(),
    };
    let to = if name.is_empty() {
        NewValue::AllDefaults
    } else {
        NewValue::Default
    };
    info.changes.push(Change {
        name: Argument::Literal(name),
        is_local: false,
        to,
    });
}

fn declare(words: &Words<'_>, info: &mut Info) {
    let holds = (1..words.len()).any(|n| words.is(n, "with") && words.is(n + 1, "hold"));
    if !holds {
        info.needs_block = Some("DECLARE CURSOR");
        info.cursor = Some(words.name(1));
    }
}

/// Definitions: what refuses transactions runs in its other form; temporary tables belong to their connection.
fn definition(words: &Words<'_>, info: &mut Info) {
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

fn prepared(words: &Words<'_>, n: usize, verb: PreparedVerb, info: &mut Info) {
    if let Some(token) = words.tokens.get(n) {
        info.prepared = Some(SqlPrepared {
            verb,
            name: words.name(n),
            at: (token.from, token.to),
        });
    }
}

/// Functions that change settings or notify.
fn calls(words: &Words<'_>, info: &mut Info) {
    for n in 0..words.len() {
        if words.kind(n) != Some(TokenKind::Word) || words.raw(n + 1) != "(" {
            continue;
        }
        if words.is(n, "set_config") {
            let mut arguments = words.arguments(n + 1).into_iter();
            let (Some(name), Some(value), Some(local)) =
                (arguments.next(), arguments.next(), arguments.next())
            else {
                continue;
            };
            let name = match name {
                Argument::Literal(name) => Argument::Literal(name.to_ascii_lowercase()),
                name => name,
            };
            info.changes.push(Change {
                name,
                is_local: !matches!(local, Argument::Literal(text) if !is_on(&text)),
                to: NewValue::Value(value),
            });
        } else if words.is(n, "pg_notify") {
            let mut arguments = words.arguments(n + 1).into_iter();
            if let (Some(channel), Some(payload)) = (arguments.next(), arguments.next()) {
                info.notifies.push((channel, payload));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Argument, Change, Control, Info, Modes, NewValue, OnCommit, Verb},
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
