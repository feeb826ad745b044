//! The fields of requests that have rules of their own.
//!
//! A value that exists is valid: each is checked where the JSON is read, which answers 422 with
//! the field's name and the rule.

use serde::{Deserialize, Serialize};

/// An e-mail address, trimmed and in lower case, so that equal addresses are equal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
pub struct Email(String);

/// A name of a person or an event: one line of at most 100 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
pub struct Name(String);

/// A number of seats, from 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "i32")]
#[sqlx(transparent)]
pub struct Seats(i32);

/// The rule that a value breaks.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(&'static str);

impl Email {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Seats {
    /// The number.
    pub fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<String> for Email {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let address = text.trim().to_lowercase();
        // The rest of the rule is that a mail sent there arrives. Spaces, control characters and
        // angle brackets would also change the meaning of the SMTP command the address is put in.
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>');
        match address.split_once('@') {
            Some((user, host))
                if !user.is_empty() && !host.is_empty() && !address.contains(odd) =>
            {
                Ok(Self(address))
            }
            _ => Err(Invalid("an e-mail address has the form ada@example.com")),
        }
    }
}

impl TryFrom<String> for Name {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let name = text.trim();
        if name.is_empty() || name.chars().count() > 100 || name.contains(char::is_control) {
            return Err(Invalid("a name is one line of 1 to 100 characters"));
        }
        Ok(Self(name.to_owned()))
    }
}

impl TryFrom<i32> for Seats {
    type Error = Invalid;

    fn try_from(number: i32) -> Result<Self, Invalid> {
        match number {
            1..=1000 => Ok(Self(number)),
            _ => Err(Invalid("the number of seats is from 1 to 1000")),
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
