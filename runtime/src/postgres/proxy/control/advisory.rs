//! Advisory locks, in statements that do nothing else.

use super::words::Words;
use crate::{observe::recording::Parameter, sql::TokenKind};

/// A call of a function of advisory locks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::postgres::proxy) struct Advisory {
    pub(in crate::postgres::proxy) action: Action,
    pub(in crate::postgres::proxy) is_shared: bool,
    pub(in crate::postgres::proxy) of_transaction: bool,
    key: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::postgres::proxy) enum Action {
    Lock,
    Try,
    Unlock,
    UnlockAll,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    /// Counted from one; and whether it is an argument of another function.
    Parameter(usize, bool),
}

/// Functions that a key may be made with: they give the same for the same.
const WITHIN: [&str; 9] = [
    "hashtext",
    "hashtextextended",
    "pg_catalog",
    "bigint",
    "int8",
    "int4",
    "int",
    "integer",
    "text",
];

impl Advisory {
    /// `select pg_advisory_lock(…), …` and its kin, with nothing but a cast or a name behind each;
    /// empty for what does more.
    pub(super) fn all(words: &Words<'_>) -> Vec<Self> {
        let (mut calls, mut n) = (Vec::new(), 0);
        if !words.is(n, "select") {
            return calls;
        }
        while n < words.len() {
            let Some((call, end)) = Self::call(words, n + 1) else {
                return Vec::new();
            };
            calls.push(call);
            n = end;
        }
        calls
    }

    /// A call, up to the comma behind it or the end of the statement.
    fn call(words: &Words<'_>, from: usize) -> Option<(Self, usize)> {
        let at = if words.is(from, "pg_catalog") && words.raw(from + 1) == "." {
            from + 2
        } else {
            from
        };
        if words.kind(at) != Some(TokenKind::Word) || words.raw(at + 1) != "(" {
            return None;
        }
        let name = words.raw(at).to_ascii_lowercase();
        let rest = name.strip_prefix("pg_")?;
        let (rest, tries) = match rest.strip_prefix("try_") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (action, of_transaction, is_shared) = match (tries, rest.strip_prefix("advisory_")?) {
            (false, "lock") => (Action::Lock, false, false),
            (false, "lock_shared") => (Action::Lock, false, true),
            (false, "xact_lock") => (Action::Lock, true, false),
            (false, "xact_lock_shared") => (Action::Lock, true, true),
            (true, "lock") => (Action::Try, false, false),
            (true, "lock_shared") => (Action::Try, false, true),
            (true, "xact_lock") => (Action::Try, true, false),
            (true, "xact_lock_shared") => (Action::Try, true, true),
            (false, "unlock") => (Action::Unlock, false, false),
            (false, "unlock_shared") => (Action::Unlock, false, true),
            (false, "unlock_all") => (Action::UnlockAll, false, false),
            _ => return None,
        };
        let (key, behind) = key(words, at + 2)?;
        let is_plain = |n: &usize| {
            let is_name = words.is_name(*n) && !words.any(*n, &["from", "where", "union"]);
            is_name || words.raw(*n) == ":"
        };
        let end = (behind..words.len()).find(|n| !is_plain(n));
        let end = end.unwrap_or(words.len());
        let is_last = end == words.len();
        let call = Self {
            action,
            is_shared,
            of_transaction,
            key,
        };
        (is_last || words.raw(end) == ",").then_some((call, end))
    }

    /// The key as text that PostgreSQL reads, if the values of its parameters are known.
    pub(in crate::postgres::proxy) fn key(&self, parameters: &[Parameter]) -> Option<String> {
        let mut key = String::new();
        for part in &self.key {
            match part {
                Part::Text(text) => key.push_str(text),
                Part::Parameter(number, is_within) => {
                    let parameter = parameters.get(number.checked_sub(1)?)?;
                    key.push_str(&value(parameter, *is_within)?);
                }
            }
        }
        Some(key)
    }
}

/// The arguments of a call, up to the token behind it. Casts between integers say nothing.
fn key(words: &Words<'_>, from: usize) -> Option<(Vec<Part>, usize)> {
    let (mut parts, mut depth, mut n) = (Vec::new(), 0_usize, from);
    loop {
        let raw = words.raw(n);
        match raw {
            ")" if depth == 0 => return Some((parts, n + 1)),
            "(" => depth += 1,
            ")" => depth -= 1,
            ":" if depth == 0 && words.raw(n + 1) == ":" => {
                if !words.any(n + 2, &["bigint", "int8", "int4", "int", "integer"]) {
                    return None;
                }
                n += 3;
                continue;
            }
            "," | ":" | "-" | "." => {}
            _ => match words.kind(n)? {
                TokenKind::Parameter => {
                    parts.push(Part::Parameter(raw[1..].parse().ok()?, depth > 0));
                    n += 1;
                    continue;
                }
                TokenKind::Text if raw.starts_with('\'') => {}
                TokenKind::Word if words.any(n, &WITHIN) => {}
                TokenKind::Other if raw.bytes().all(|byte| byte.is_ascii_digit()) => {}
                _ => return None,
            },
        }
        parts.push(Part::Text(raw.to_owned()));
        n += 1;
    }
}

/// A value of a parameter, as a number or as text in quotes.
fn value(parameter: &Parameter, is_within: bool) -> Option<String> {
    const NUMBERS: [u32; 3] = [20, 21, 23];
    let bytes = parameter.value.as_deref()?;
    let is_number = NUMBERS.contains(&parameter.type_id) || parameter.type_id == 0 && !is_within;
    if !is_number {
        let text = std::str::from_utf8(bytes).ok()?;
        return Some(format!("'{}'", text.replace('\'', "''")));
    }
    if !parameter.is_binary {
        let number: i64 = std::str::from_utf8(bytes).ok()?.trim().parse().ok()?;
        return Some(number.to_string());
    }
    Some(match bytes.len() {
        8 => i64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        4 => i32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        2 => i16::from_be_bytes(bytes.try_into().ok()?).to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::recognize, Action};
    use crate::{observe::recording::Parameter, sql::tokens};

    fn key(sql: &str, parameters: &[Parameter]) -> Option<(Action, String)> {
        let calls = recognize(sql, &tokens(sql, false)).advisory;
        let [call] = calls.as_slice() else {
            return None;
        };
        Some((call.action, call.key(parameters)?))
    }

    fn binary(type_id: u32, value: &[u8]) -> Parameter {
        Parameter {
            type_id,
            is_binary: true,
            value: Some(value.to_vec()),
            length: value.len(),
        }
    }

    #[test]
    fn the_plain_forms_are_known_with_their_keys() {
        let number = binary(20, &7_i64.to_be_bytes());
        assert_eq!(
            key("SELECT pg_advisory_lock($1)", &[number]),
            Some((Action::Lock, "7".to_owned()))
        );
        assert_eq!(
            key(
                "select pg_catalog.pg_try_advisory_lock(7::bigint) as locked",
                &[]
            ),
            Some((Action::Try, "7".to_owned()))
        );
        assert_eq!(
            key(
                "select pg_advisory_unlock(hashtext($1))",
                &[binary(25, b"it's")]
            ),
            Some((Action::Unlock, "hashtext('it''s')".to_owned()))
        );
        assert_eq!(
            key("select pg_try_advisory_xact_lock(1, -2)::text", &[]),
            Some((Action::Try, "1,-2".to_owned()))
        );
    }

    #[test]
    fn several_calls_are_known_in_order() {
        let sql = "select pg_advisory_lock($1) as one, pg_catalog.pg_advisory_unlock(8)::text";
        let calls = recognize(sql, &tokens(sql, false)).advisory;
        let parameters = [binary(20, &7_i64.to_be_bytes())];
        let known = calls
            .iter()
            .map(|call| (call.action, call.key(&parameters)));
        assert_eq!(
            known.collect::<Vec<_>>(),
            [
                (Action::Lock, Some("7".to_owned())),
                (Action::Unlock, Some("8".to_owned()))
            ]
        );
    }

    #[test]
    fn what_does_more_is_not_known() {
        for sql in [
            "select pg_advisory_lock(1), pg_advisory_lock(id) from jobs",
            "select pg_advisory_lock(1),",
            "select pg_advisory_lock(id) from jobs",
            "select pg_try_advisory_lock(1), 2",
            "select pg_advisory_lock(random()::int)",
            "select pg_advisory_lock(1) where false",
            "select pg_advisory_lock(",
        ] {
            assert_eq!(key(sql, &[]), None, "{sql}");
        }
    }
}
