//! The secret that a bearer token is.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// A bearer token. It has no `Debug`, so that it stays out of logs.
pub(super) struct Token(String);

impl Token {
    /// A token that nobody can guess: 32 random bytes in hexadecimal.
    pub(super) fn random() -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
        let mut text = String::with_capacity(64);
        for byte in bytes {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        }
        Self(text)
    }

    /// What is stored of a token. A fast hash is enough for a secret that was not chosen by a
    /// human.
    pub(super) fn hash(&self) -> Vec<u8> {
        Sha256::digest(&self.0).to_vec()
    }

    /// The token itself, for the user's eyes.
    pub(super) fn reveal(self) -> String {
        self.0
    }
}

impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
