//! The names of the databases that db-test makes, and of nothing else.
//!
//! A template is `dbt_<fingerprint>`, its lanes are `dbt_<fingerprint>_<number>`, and a template
//! under construction is `dbt_<fingerprint>_new`. What was set aside is `dbt_kept_<test>_<number>`.
//! No statement of this crate names a database that was not made here, except the one a URL names.

mod kept;

use std::fmt;

pub(crate) use self::kept::KeptDatabase;

/// The prefix of every database that db-test makes.
pub(crate) const PREFIX: &str = "dbt_";

/// A database made by db-test; its name needs no quoting.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct OwnDatabase(String);

impl OwnDatabase {
    pub(crate) fn template(fingerprint: &str) -> Self {
        Self(format!("{PREFIX}{fingerprint}"))
    }

    pub(crate) fn lane(&self, number: u32) -> Self {
        Self(format!("{self}_{number}"))
    }

    pub(crate) fn under_construction(&self) -> Self {
        Self(format!("{self}_new"))
    }

    /// Recognizes a name of our own making among the databases of a server.
    pub(crate) fn recognize(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(PREFIX)?.split('_');
        let fingerprint = parts.next()?;
        let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let own = fingerprint.len() == 16 && fingerprint.chars().all(hexadecimal);
        let suffix = parts
            .next()
            .is_none_or(|s| s == "new" || s.parse::<u32>().is_ok());
        (own && suffix && parts.next().is_none()).then(|| Self(name.to_owned()))
    }

    /// The template that this database belongs to.
    pub(crate) fn family(&self) -> &str {
        &self.0[..PREFIX.len() + 16]
    }

    /// The number of a lane.
    pub(crate) fn number(&self) -> Option<u32> {
        self.0.rsplit_once('_')?.1.parse().ok()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OwnDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::OwnDatabase;

    #[test]
    fn only_names_of_our_own_making_are_recognized() {
        let template = OwnDatabase::template("0123456789abcdef");
        for name in [
            template.clone(),
            template.lane(7),
            template.under_construction(),
        ] {
            assert_eq!(OwnDatabase::recognize(name.as_str()), Some(name));
        }
        for foreign in [
            "postgres",
            "dbt_",
            "dbt_production",
            "dbt_0123456789abcdef_x",
            "DBT_0123456789abcdef",
        ] {
            assert_eq!(OwnDatabase::recognize(foreign), None, "{foreign}");
        }
    }
}
