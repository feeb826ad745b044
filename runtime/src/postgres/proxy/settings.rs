//! The settings of a connection, as the statements that set them.

use std::{collections::BTreeMap, rc::Rc};

/// How a setting got its value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Value {
    /// By this statement, which sets it again.
    Sql(Rc<str>),
    /// By a value that has to be read; each is different from every other.
    Unknown { number: u64, is_local: bool },
}

/// Settings that differ from the backend's own, by name. Shared until they change.
pub(super) type Settings = Rc<BTreeMap<Rc<str>, Value>>;

/// The statement that gives a setting a value.
pub(super) fn assignment(name: &str, value: &str, is_local: bool) -> Value {
    let scope = if is_local { "true" } else { "false" };
    let (name, value) = (literal(name), literal(value));
    Value::Sql(format!("select pg_catalog.set_config({name},{value},{scope})").into())
}

/// The statement that gives a setting its default.
pub(super) fn reset(name: &str) -> String {
    match name {
        "session_authorization" => "reset session authorization".to_owned(),
        name => format!("reset {}", dotted(name)),
    }
}

/// The statements that turn one set of settings into another, each with a semicolon. Nothing is
/// said of values that are unknown yet.
pub(super) fn difference(out: &mut String, from: &Settings, to: &Settings) {
    if Rc::ptr_eq(from, to) {
        return;
    }
    // What may be set depends on the role, so the way leads over the connection's own.
    let is_role = |name: &str| matches!(name, "role" | "session_authorization");
    let differs = |name: &Rc<str>| from.get(name) != to.get(name);
    let roles = ["session_authorization", "role"];
    let role_changes = roles.iter().any(|name| from.get(*name) != to.get(*name));
    if role_changes {
        for name in roles.iter().filter(|name| from.contains_key(**name)) {
            out.push_str(&reset(name));
            out.push(';');
        }
    }
    for name in from
        .keys()
        .filter(|name| !to.contains_key(*name) && !is_role(name))
    {
        out.push_str(&reset(name));
        out.push(';');
    }
    let mut assign = |name: &str| {
        if let Some(Value::Sql(sql)) = to.get(name) {
            out.push_str(sql);
            out.push(';');
        }
    };
    for name in to.keys().filter(|name| differs(name) && !is_role(name)) {
        assign(name);
    }
    if role_changes {
        for name in roles {
            assign(name);
        }
    }
}

/// A text in single quotes.
pub(super) fn literal(text: &str) -> String {
    let text = text.replace('\0', "").replace('\'', "''");
    // With a backslash in it, the form that does not depend on `standard_conforming_strings`.
    if text.contains('\\') {
        return format!("E'{}'", text.replace('\\', "\\\\"));
    }
    format!("'{text}'")
}

/// A name in double quotes.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn dotted(name: &str) -> String {
    let parts: Vec<_> = name.split('.').map(identifier).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, rc::Rc};

    use super::{Settings, Value, assignment, difference};

    fn settings(values: &[(&str, &str)]) -> Settings {
        let value = |(name, sql): &(&str, &str)| (Rc::from(*name), Value::Sql(Rc::from(*sql)));
        Rc::new(values.iter().map(value).collect::<BTreeMap<_, _>>())
    }

    fn said(from: &Settings, to: &Settings) -> String {
        let mut out = String::new();
        difference(&mut out, from, to);
        out
    }

    #[test]
    fn equal_settings_need_nothing() {
        let one = settings(&[("a", "set a = 1")]);
        assert_eq!(said(&one, &settings(&[("a", "set a = 1")])), "");
    }

    #[test]
    fn the_role_is_left_first_and_taken_last() {
        let from = settings(&[("role", "set role x"), ("a", "set a = 1")]);
        let to = settings(&[("role", "set role y"), ("b", "set b = 1")]);
        assert_eq!(
            said(&from, &to),
            "reset \"role\";reset \"a\";set b = 1;set role y;"
        );
    }

    #[test]
    fn a_value_is_quoted() {
        let Value::Sql(sql) = assignment("app.x", "it's", true) else {
            panic!("a statement");
        };
        assert_eq!(&*sql, "select pg_catalog.set_config('app.x','it''s',true)");
    }
}
