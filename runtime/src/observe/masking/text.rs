//! Secrets in texts of any kind: URLs, headers, forms, JSON, a server's messages.

use std::{borrow::Cow, ops::Range};

use super::{MASK, name::is_secret};

/// How values begin that are secrets whatever their name: tokens of JWT, hashes of passwords.
const SHAPES: [&str; 7] = [
    "eyJ", "$argon2", "$2a$", "$2b$", "$2y$", "$scrypt$", "$pbkdf2",
];

/// The text without passwords in URLs, credentials of an authorization header, values of parameters
/// and fields that are named like a secret, and what looks like a token or a hash.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let mut ranges = named_values(text);
    ranges.extend(key_values(text));
    ranges.extend(passwords_of_urls(text));
    ranges.extend(credentials(text));
    ranges.extend(shaped(text));
    ranges.retain(|range| !range.is_empty());
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let (mut shown, mut end) = (String::new(), 0);
    for range in ranges {
        if range.start >= end {
            shown.push_str(&text[end..range.start]);
            shown.push_str(MASK);
        }
        end = end.max(range.end);
    }
    shown.push_str(&text[end..]);
    Cow::Owned(shown)
}

/// The values behind names of secrets.
fn named_values(text: &str) -> Vec<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = text[at..].find(is_part).map(|start| at + start) {
        let length = text[start..].find(|c| !is_part(c));
        at = length.map_or(text.len(), |length| start + length);
        if is_secret(&text[start..at]) {
            found.extend(value(&text[at..]).map(|range| at + range.start..at + range.end));
        }
    }
    found
}

/// The value at the beginning of what follows a name:
/// `=value`, `": "value"`, `: "value"`, ` 'value'`.
fn value(rest: &str) -> Option<Range<usize>> {
    let quote = ["\\\"", "\"", "'", ""];
    let after_name = quote
        .iter()
        .find_map(|quote| rest.strip_prefix(quote).map(|rest| (quote, rest)));
    let (closing, after) = after_name?;
    let position = |part: &str| rest.len() - part.len();
    let spaced = after.trim_start();
    if let Some(value) = spaced.strip_prefix(['=', ':']) {
        let value = value.trim_start_matches(['>', '=']);
        let is_form = after.starts_with('=') && closing.is_empty();
        let value = value.trim_start();
        let value = value.strip_prefix("Some(").unwrap_or(value);
        if let Some(length) = quoted(value).or_else(|| bracketed(value)) {
            return Some(position(value) + length.start..position(value) + length.end);
        }
        // An unquoted word after a colon is prose, unless the name is a key of JSON.
        if is_form || !closing.is_empty() {
            let end = value.find([
                '&', ',', ';', '}', ']', ')', '"', '\'', ' ', '\n', '\r', '\t',
            ]);
            let end = end.unwrap_or(value.len());
            let is_told = matches!(&value[..end], "null" | "true" | "false");
            return (!is_told).then(|| position(value)..position(value) + end);
        }
        return None;
    }
    let literal = spaced.starts_with('\'') && spaced.len() < after.len() && closing.is_empty();
    let length = literal.then(|| quoted(spaced)).flatten()?;
    Some(position(spaced) + length.start..position(spaced) + length.end)
}

/// What stands between quotes, to the end if nothing closes them.
fn quoted(text: &str) -> Option<Range<usize>> {
    let quote = ["\\\"", "\"", "'"]
        .into_iter()
        .find(|quote| text.starts_with(quote))?;
    let start = quote.len();
    let mut at = start;
    while at < text.len() {
        if text[at..].starts_with(quote) {
            return Some(start..at);
        }
        let mut chars = text[at..].chars();
        let first = chars.next().map_or(0, char::len_utf8);
        at += first;
        if first == 1 && text.as_bytes()[at - 1] == b'\\' {
            at += chars.next().map_or(0, char::len_utf8);
        }
    }
    Some(start..text.len())
}

/// An array or an object of JSON, to the end if nothing closes it.
fn bracketed(text: &str) -> Option<Range<usize>> {
    text.starts_with(['[', '{']).then_some(())?;
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' => at += quoted(&text[at..]).map_or(0, |inside| inside.end),
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        at = (at + c.len_utf8()).min(text.len());
        if depth == 0 {
            break;
        }
    }
    Some(0..at)
}

/// The values in PostgreSQL's `Key (email, token)=(…, …) already exists.`
fn key_values(text: &str) -> Option<Range<usize>> {
    let middle = text.find(")=(")?;
    let names = &text[text[..middle].rfind('(')?..middle];
    let start = middle + ")=(".len();
    let ends = [") already", ") is ", ") conflicts"];
    let end = ends.iter().filter_map(|end| text[start..].rfind(end)).max();
    let end = end.or_else(|| text[start..].rfind(')'));
    is_secret(names).then(|| start..end.map_or(text.len(), |end| start + end))
}

fn passwords_of_urls(text: &str) -> Vec<Range<usize>> {
    let urls = text.match_indices("://").map(|(at, found)| {
        let start = at + found.len();
        let rest = &text[start..];
        // A password that is not well encoded may hold anything, and a path of the web an `@`.
        let is_web = text[..at].ends_with("http") || text[..at].ends_with("https");
        let ends: &[char] = if is_web {
            &['/', '?', '#', ' ', '\n', '"', '\'']
        } else {
            &[' ', '\n', '"']
        };
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let at = authority.rfind('@')?;
        let colon = authority.find(':').filter(|colon| *colon < at)?;
        Some(start + colon + 1..start + at)
    });
    urls.flatten().collect()
}

fn credentials(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let schemes = ["bearer ", "basic "].into_iter().flat_map(|scheme| {
        let found = lower.match_indices(scheme);
        found
            .map(|(at, found)| at + found.len())
            .collect::<Vec<_>>()
    });
    let word = |start: usize| {
        let end = text[start..].find(|c: char| c.is_whitespace() || "\"',".contains(c));
        start..end.map_or(text.len(), |end| start + end)
    };
    schemes.map(word).collect()
}

fn shaped(text: &str) -> Vec<Range<usize>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.$/+=,".contains(c);
    let shapes = SHAPES
        .into_iter()
        .flat_map(|shape| text.match_indices(shape));
    let whole = shapes.map(|(start, _)| {
        let end = text[start..].find(|c| !is_part(c));
        start..end.map_or(text.len(), |end| start + end)
    });
    whole.filter(|range| range.len() > 20).collect()
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
            (
                "postgres://ada:se/sa?m#e@host/app",
                "postgres://ada:***@host/app",
            ),
            ("https://host:8080/path", "https://host:8080/path"),
            ("https://host:80/ada@x", "https://host:80/ada@x"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            (
                "/login?access_token=abc&next=/",
                "/login?access_token=***&next=/",
            ),
            ("password=se,same", "password=***,same"),
            (
                r#"{"password": "sesame", "name": "ada"}"#,
                r#"{"password": "***", "name": "ada"}"#,
            ),
            (
                r#"{"userPassword":"ses\"ame","pin":1234,"token":null}"#,
                r#"{"userPassword":"***","pin":***,"token":null}"#,
            ),
            (
                r#"{"tokens": ["a]", {"b": "}"}], "name": "ada"}"#,
                r#"{"tokens": ***, "name": "ada"}"#,
            ),
            (r#"{"api-key": "cut o"#, r#"{"api-key": "***"#),
            (
                r#"{"log": "{\"token\": \"abc\"}"}"#,
                r#"{"log": "{\"token\": \"***\"}"}"#,
            ),
            (
                r#"Login { password: Some("sesame"), name: "ada" }"#,
                r#"Login { password: Some("***"), name: "ada" }"#,
            ),
            (
                "Key (email, token)=(a@b.c, x(y)) already exists.",
                "Key (email, token)=(***) already exists.",
            ),
            (
                "Key (email)=(a@b.c) already exists.",
                "Key (email)=(a@b.c) already exists.",
            ),
            (
                "alter role ada password 'x'",
                "alter role ada password '***'",
            ),
            ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA ok", "*** ok"),
            ("invalid token: expected `}`", "invalid token: expected `}`"),
            ("nothing to hide", "nothing to hide"),
            ("tökens: bearer", "tökens: bearer"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
