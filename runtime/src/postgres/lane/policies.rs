//! Whether the policies of a schema apply to the tests.

use crate::{observe::log, postgres::upstream::BackendConnection};

/// Whether there are policies, or were: `pg_policy` (its object id is fixed) is not empty. It costs
/// a tenth of a millisecond, and the query below one.
const ARE_THERE: &str = "select pg_relation_size(3256) > 0";

/// The tables whose policies do not apply to the role of a connection, and why.
const BYPASSED: &str = "select rolname, rolsuper, rolbypassrls, name from pg_roles join lateral \
     (select oid::regclass::text as name from pg_class where relrowsecurity and not row_security_active(oid)) tables on true \
     where rolname = current_user order by name";

/// How many tables are named.
const NAMED: usize = 3;

/// Warns that the tests would pass with a broken policy. Without an answer from the server there is
/// no warning.
pub(super) fn warn_of_bypassed(connection: &mut BackendConnection) {
    if let Ok(Some(text)) = bypassed(connection) {
        log::notice(text);
    }
}

fn bypassed(connection: &mut BackendConnection) -> Result<Option<String>, sqlx::Error> {
    let there = connection
        .query(ARE_THERE)?
        .into_iter()
        .flatten()
        .next()
        .flatten();
    if there.as_deref() != Some("t") {
        return Ok(None);
    }
    let rows = connection.query(BYPASSED)?;
    let [role, superuser, bypasses, _] = match rows.first().map(Vec::as_slice) {
        Some([role, superuser, bypasses, name]) => {
            [role, superuser, bypasses, name].map(Clone::clone)
        }
        _ => return Ok(None),
    };
    let is = |value: Option<String>| value.as_deref() == Some("t");
    let tables = rows
        .into_iter()
        .filter_map(|mut row| row.pop()?)
        .collect::<Vec<_>>();
    let role = role.unwrap_or_default();
    Ok(warning(&role, is(superuser), is(bypasses), &tables))
}

fn warning(role: &str, superuser: bool, bypasses: bool, tables: &[String]) -> Option<String> {
    let named = tables.iter().take(NAMED).map(|table| format!("`{table}`"));
    let named = named.collect::<Vec<_>>().join(", ");
    let named = match tables.len() {
        0 => return None,
        count if count > NAMED => format!("{named} and {} more", count - NAMED),
        _ => named,
    };
    let why = match (superuser, bypasses) {
        (true, _) => format!(
            "the role `{role}` is a superuser, to whom the policies of {named} do not apply"
        ),
        (_, true) => format!(
            "the role `{role}` has BYPASSRLS, so that the policies of {named} do not apply to it"
        ),
        _ => format!(
            "the role `{role}` owns {named}, and policies apply to an owner only where they are forced"
        ),
    };
    Some(format!(
        "row-level security is not tested: {why}; run the tests as the application's role, with \
         `.role(\"…\")` on the session"
    ))
}

#[cfg(test)]
mod tests {
    use super::warning;

    #[test]
    fn there_is_no_warning_where_every_policy_applies() {
        assert_eq!(warning("app", false, false, &[]), None);
    }

    #[test]
    fn the_warning_has_the_reason_and_the_first_of_many_tables() {
        let tables = ["a", "b", "c", "d", "e"].map(str::to_owned);
        for (superuser, bypasses, reason) in [
            (true, true, "is a superuser"),
            (false, true, "has BYPASSRLS"),
            (false, false, "owns `a`, `b`, `c` and 2 more"),
        ] {
            let text = warning("app", superuser, bypasses, &tables).expect("there are tables");
            assert!(text.contains(reason), "{text}");
            assert!(text.contains(".role("), "{text}");
        }
    }
}
