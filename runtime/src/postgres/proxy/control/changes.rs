//! Which settings a statement changes, and which the proxy keeps for itself.

use super::{Argument, Change, Control, Info, Modes, NewValue, modes::modes, words::Words};
use crate::sql::TokenKind;

/// Settings by which the server ends a connection that does nothing. The backend of all clients is
/// always in a transaction, so it never gets them.
pub(in crate::postgres::proxy) const VIRTUAL: [&str; 3] = [
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
];

/// `SET TRANSACTION`, and the settings that mean the same.
pub(super) fn set_transaction(words: &Words<'_>) -> Option<Control> {
    if words.is(1, "transaction") && !words.is(2, "snapshot") {
        let modes = modes(words, 2);
        return Some(Control::SetTransaction(modes, Some("SET TRANSACTION")));
    }
    let what = words.is(1, "local").then_some("SET LOCAL");
    let n = 1 + usize::from(words.any(1, &["local", "session"]));
    let value = || words.name(n + 2);
    if words.is(n, "transaction_isolation") {
        let modes = Modes {
            level: Some(value()),
            read_only: None,
        };
        return Some(Control::SetTransaction(modes, what));
    }
    if words.is(n, "transaction_read_only") {
        let modes = Modes {
            level: None,
            read_only: Some(is_on(&value())),
        };
        return Some(Control::SetTransaction(modes, what));
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

pub(super) fn show(words: &Words<'_>) -> Option<Control> {
    if words.is(1, "transaction") && words.is(2, "isolation") {
        return Some(Control::ShowVirtual("transaction_isolation".to_owned()));
    }
    let name = words.name(1);
    let is_ours = name == "transaction_isolation" || VIRTUAL.contains(&name.as_str());
    is_ours.then_some(Control::ShowVirtual(name))
}

pub(super) fn set(words: &Words<'_>, info: &mut Info) {
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

pub(super) fn reset(words: &Words<'_>, info: &mut Info) {
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

/// Functions that change settings or notify.
pub(super) fn calls(words: &Words<'_>, info: &mut Info) {
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
