//! Leaving secrets out of what is printed.

use std::borrow::Cow;

/// What stands for a secret.
const MASK: &str = "***";

/// The words in whose names (of a parameter in a URL, of a field in JSON) a secret is taken for granted.
const SECRET: [&str; 6] = ["password", "passwd", "secret", "token", "api_key", "apikey"];

/// The text without passwords in URLs, credentials of an authorization header, and values of
/// parameters and fields that are named like a secret.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    let suspicious = lower.contains("://")
        || lower.contains("bearer ")
        || lower.contains("basic ")
        || SECRET.iter().any(|word| lower.contains(word));
    if !suspicious {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_owned();
    mask_all(&mut text, &["://"], |rest| {
        let authority = &rest[..rest.find(['/', ' ', '"', '?']).unwrap_or(rest.len())];
        let at = authority.rfind('@')?;
        Some((authority.find(':').filter(|colon| *colon < at)? + 1, at))
    });
    mask_all(&mut text, &["bearer ", "basic "], |rest| {
        let end = rest.find(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        Some((0, end.unwrap_or(rest.len())))
    });
    mask_all(&mut text, &SECRET, named);
    Cow::Owned(text)
}

/// The value after a name: `=value` up to `&`, or `": "value"`.
fn named(rest: &str) -> Option<(usize, usize)> {
    let name_ends = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')?;
    let after = &rest[name_ends..];
    if let Some(value) = after.strip_prefix('=') {
        let end = value.find(['&', ' ', '"']).unwrap_or(value.len());
        return Some((name_ends + 1, name_ends + 1 + end));
    }
    let value = after.strip_prefix('"')?.trim_start().strip_prefix(':')?;
    let value = value.trim_start().strip_prefix('"')?;
    let start = rest.len() - value.len();
    Some((start, start + value.find('"').unwrap_or(value.len())))
}

/// Replaces what a finder finds after each occurrence of a word.
fn mask_all(text: &mut String, words: &[&str], find: impl Fn(&str) -> Option<(usize, usize)>) {
    for word in words {
        let mut from = 0;
        while let Some(at) = text[from..].to_ascii_lowercase().find(word) {
            from += at + word.len();
            if let Some((start, end)) = find(&text[from..]).filter(|(start, end)| start < end) {
                text.replace_range(from + start..from + end, MASK);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_are_left_out() {
        for (text, shown) in [
            (
                "postgres://ada:sesame@host/app",
                "postgres://ada:***@host/app",
            ),
            ("https://host:8080/path", "https://host:8080/path"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            (
                "/login?access_token=abc&next=/",
                "/login?access_token=***&next=/",
            ),
            (
                r#"{"password": "sesame", "name": "ada"}"#,
                r#"{"password": "***", "name": "ada"}"#,
            ),
            ("nothing to hide", "nothing to hide"),
            ("tökens: bearer", "tökens: bearer"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
