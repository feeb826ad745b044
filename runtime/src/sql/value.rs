//! What a token stands for.

/// A name as the server looks it up, in lower case unless it is in quotes; of a string, its text.
pub(crate) fn value(text: &str) -> String {
    let quoted = |quote: char| {
        let inner = text.strip_prefix(quote)?;
        let inner = inner.strip_suffix(quote).unwrap_or(inner);
        let (twice, once) = (format!("{quote}{quote}"), quote.to_string());
        Some(inner.replace(&twice, &once))
    };
    if let Some(inner) = quoted('"').or_else(|| quoted('\'')) {
        return inner;
    }
    if text.starts_with('$')
        && let Some(length) = text[1..].find('$').map(|at| at + 2)
    {
        return text
            .get(length..text.len() - length)
            .unwrap_or("")
            .to_owned();
    }
    if text.starts_with(['e', 'E']) && text[1..].starts_with('\'') {
        return value(&text[1..]).replace("\\'", "'").replace("\\\\", "\\");
    }
    text.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn quotes_of_any_form_are_removed() {
        for (token, expected) in [
            ("Name", "name"),
            ("\"A \"\"b\"", "A \"b"),
            ("'it''s'", "it's"),
            ("'it''s", "it's"),
            (r"E'it\'s'", "it's"),
            ("$$it's$$", "it's"),
            ("$a$it's$a$", "it's"),
            ("$a$i", ""),
        ] {
            assert_eq!(value(token), expected, "{token}");
        }
    }
}
