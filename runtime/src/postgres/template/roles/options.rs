//! The options of `create role`, as statements about a role that is there.

use super::script;

/// What is left of `create role` when the role is there.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Options that `alter role` knows.
    pub(super) plain: String,
    /// `in role`, `role`, `admin`, which it does not know.
    pub(super) memberships: Vec<String>,
}

/// The statement that grants a role of this name a list of others, or the others that role.
type Grant = fn(&str, &str) -> String;

impl Options {
    pub(super) fn read(name: &str, text: &str) -> Self {
        let tokens = script::tokens(text);
        let mut options = Self::default();
        let mut rest = tokens.as_slice();
        while let [token, tail @ ..] = rest {
            let next = tail.first().map(|token| token.to_lowercase());
            let (skipped, grant): (usize, Option<Grant>) =
                match (token.to_lowercase().as_str(), next.as_deref()) {
                    ("with", _) => {
                        rest = tail;
                        continue;
                    }
                    ("in", Some("role" | "group")) => {
                        (2, Some(|name, list| format!("grant {list} to {name}")))
                    }
                    ("role" | "user", _) => {
                        (1, Some(|name, list| format!("grant {name} to {list}")))
                    }
                    ("admin", _) => (
                        1,
                        Some(|name, list| format!("grant {name} to {list} with admin option")),
                    ),
                    ("sysid", _) => {
                        rest = tail.get(1..).unwrap_or_default();
                        continue;
                    }
                    _ => (1, None),
                };
            let Some(grant) = grant else {
                options.plain += if options.plain.is_empty() { "" } else { " " };
                options.plain += token;
                rest = tail;
                continue;
            };
            let names = &rest[skipped..];
            let mut length = names.len().min(1);
            while names.get(length) == Some(&",") {
                length += 2;
            }
            let (list, tail) = names.split_at(length.min(names.len()));
            options.memberships.push(grant(name, &list.concat()));
            rest = tail;
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn memberships_are_granted_and_the_rest_is_altered() {
        let options = Options::read(
            "x",
            " with LOGIN password 'in role; y' in role a, \"B c\" sysid 7 admin d connection limit -1",
        );
        assert_eq!(
            options.plain,
            "LOGIN password 'in role; y' connection limit - 1"
        );
        assert_eq!(
            options.memberships,
            ["grant a,\"B c\" to x", "grant x to d with admin option"]
        );
    }
}
