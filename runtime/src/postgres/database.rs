//! The names of the databases that db-test makes, and of nothing else.
//!
//! | database | its name |
//! | --- | --- |
//! | a template | `dbt_<fingerprint>` |
//! | a template under construction | `dbt_<fingerprint>_new_<stamp>` |
//! | a lane | `dbt_<fingerprint>_<stamp>` |
//! | the database of a failed test, set aside | `dbt_kept_<test>_<number>` |
//!
//! A stamp is never used twice, so a connection that is made again by name leads to the same
//! database or nowhere. No statement of this crate names a database that was not made here, except
//! the one a URL names.

mod kept;
mod mark;
mod removal;
mod stamp;
mod survey;

use std::fmt;

use self::stamp::Stamp;
pub(crate) use self::{
    kept::KeptDatabase,
    mark::{COMMENT, LaneState, Mark},
    removal::{Sessions, remove},
    survey::{Fate, survey},
};

/// The prefix of every database that db-test makes.
pub(crate) const PREFIX: &str = "dbt_";

/// What follows the fingerprint in the name of a draft.
const DRAFT: &str = "new";

/// A database made by db-test; its name needs no quoting.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DatabaseName(String);

/// What one of db-test's databases is for, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    Template,
    Draft,
    Lane,
}

impl DatabaseName {
    pub(crate) fn template(fingerprint: &str) -> Self {
        Self(format!("{PREFIX}{fingerprint}"))
    }

    /// A name for a new lane of this template.
    pub(crate) fn new_lane(&self) -> Self {
        Self(format!("{self}_{}", Stamp::new()))
    }

    /// A name under which this template is made.
    pub(crate) fn new_draft(&self) -> Self {
        Self(format!("{self}_{DRAFT}_{}", Stamp::new()))
    }

    /// Recognizes a name of our own making among the databases of a server. (Older versions
    /// numbered their lanes, and had one name for the drafts of a template.)
    pub(crate) fn recognize(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(PREFIX)?.split('_');
        let hexadecimal = |text: &str| {
            let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            !text.is_empty() && text.chars().all(digit)
        };
        let own = parts
            .next()
            .is_some_and(|fingerprint| fingerprint.len() == 16 && hexadecimal(fingerprint));
        let suffix = match (parts.next(), parts.next()) {
            (None, None) => true,
            (Some(DRAFT), stamp) => stamp.is_none_or(hexadecimal),
            (Some(stamp), None) => hexadecimal(stamp),
            _ => false,
        };
        (own && suffix && parts.next().is_none()).then(|| Self(name.to_owned()))
    }

    pub(crate) fn purpose(&self) -> Purpose {
        match self.0.get(self.family().len() + 1..) {
            None => Purpose::Template,
            Some(suffix) if suffix.starts_with(DRAFT) => Purpose::Draft,
            Some(_) => Purpose::Lane,
        }
    }

    /// When a lane or a draft was named, in seconds since 1970; 0 for the names of older versions.
    pub(crate) fn named_at(&self) -> i64 {
        let stamp = self.0.rsplit('_').next().unwrap_or_default();
        Stamp::seconds_of(stamp).unwrap_or_default()
    }

    /// The template that this database belongs to.
    pub(crate) fn family(&self) -> &str {
        &self.0[..PREFIX.len() + 16]
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseName, Purpose};

    #[test]
    fn only_names_of_our_own_making_are_recognized() {
        let template = DatabaseName::template("0123456789abcdef");
        for (name, purpose) in [
            (template.clone(), Purpose::Template),
            (template.new_lane(), Purpose::Lane),
            (template.new_draft(), Purpose::Draft),
        ] {
            assert_eq!(DatabaseName::recognize(name.as_str()), Some(name.clone()));
            assert_eq!(
                (name.purpose(), name.family()),
                (purpose, template.as_str())
            );
        }
        for foreign in [
            "postgres",
            "dbt_",
            "dbt_production",
            "dbt_0123456789abcdef_x",
            "dbt_0123456789abcdef_",
            "dbt_0123456789abcdef_1_2",
            "dbt_0123456789abcdef_new_x",
            "DBT_0123456789abcdef",
        ] {
            assert_eq!(DatabaseName::recognize(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn names_of_older_versions_are_recognized() {
        for (name, purpose) in [
            ("dbt_0123456789abcdef_7", Purpose::Lane),
            ("dbt_0123456789abcdef_new", Purpose::Draft),
        ] {
            let database = DatabaseName::recognize(name).expect("it is one of ours");
            assert_eq!((database.purpose(), database.named_at()), (purpose, 0));
        }
    }
}
