//! Whether a name says that what it names is a secret.

use super::token::{Token, Tokens, sign};

/// What says so anywhere in a name, whose capitals, `_`, `-` and `.` do not matter.
const PARTS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwhash",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "encryptionkey",
    "credential",
    "sessionid",
    "sessionkey",
];

/// What says so as a word of a name.
const WORDS: [&str; 11] = [
    "authorization",
    "cookie",
    "csrf",
    "cvc",
    "cvv",
    "jwt",
    "otp",
    "pin",
    "pw",
    "pwd",
    "totp",
];

/// Whether a column, a field, a parameter of a URL or a function is named like a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let joined: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let joined = joined.to_lowercase();
    PARTS.iter().any(|part| joined.contains(part))
        || words(name).any(|word| WORDS.contains(&word.as_str()))
}

/// Whether a token names a secret: a column or a function, not the table in front of a dot.
pub(super) fn names_a_secret(tokens: &Tokens, at: usize) -> bool {
    match &tokens[at].0 {
        Token::Name(name) => is_secret(name) && sign(tokens, at + 1) != Some('.'),
        Token::Literal(text) => is_secret(text),
        _ => false,
    }
}

/// The words of `snake_case`, `kebab-case` and `camelCase` in lower case.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            spaced.push(' ');
        }
        if c.is_alphanumeric() {
            spaced.extend(c.to_lowercase());
        }
        before = c;
    }
    let words: Vec<_> = spaced.split_whitespace().map(str::to_owned).collect();
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn names_of_secrets_are_recognized_however_they_are_written() {
        for name in [
            "password_hash",
            "userPassword",
            "API-KEY",
            "api_key",
            "x.accessToken",
            "PWD",
            "user_pin",
            "otpCode",
            "session_id",
            "set-cookie",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "name", "email", "pinned", "spin", "key", "session", "options",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
