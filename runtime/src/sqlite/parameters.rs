//! The values of a statement's parameters.
//!
//! SQLite shows them only as literals within the text, so that text is compared with the one that
//! was sent.

use std::collections::BTreeMap;

use crate::observe::{
    masking,
    recording::{Parameter, type_id},
};

/// How many bytes of a value are kept.
const VALUE: usize = 4096;

/// The values by their numbers, from a statement as it was sent and as SQLite expands it. None
/// where these do not fit, as in a statement that runs within another one.
pub(super) fn parameters(sent: &str, expanded: &str) -> Option<Vec<Parameter>> {
    let (mut values, mut rest, mut copied) = (BTreeMap::new(), expanded, 0);
    for (number, range) in masking::parameters(sent) {
        rest = rest.strip_prefix(&sent[copied..range.start])?;
        let (value, behind) = value(rest)?;
        values.insert(number, value);
        (rest, copied) = (behind, range.end);
    }
    if rest != &sent[copied..] {
        return None;
    }
    let last = values.last_key_value().map_or(0, |(number, _)| *number);
    // A number that is left out has no value.
    Some(
        (1..=last)
            .map(|number| values.remove(&number).unwrap_or_else(null))
            .collect(),
    )
}

/// The literal at the start of a text, and what stands behind it.
fn value(text: &str) -> Option<(Parameter, &str)> {
    if let Some(behind) = text.strip_prefix("NULL") {
        return Some((null(), behind));
    }
    if let Some(behind) = text.strip_prefix('\'') {
        return quoted(behind);
    }
    if let Some(behind) = text.strip_prefix("x'") {
        let (digits, behind) = behind.split_once('\'')?;
        let value = parameter(type_id::BYTES, &bytes(digits), digits.len() / 2);
        return Some((value, behind));
    }
    if let Some(behind) = text.strip_prefix("zeroblob(") {
        let (length, behind) = behind.split_once(')')?;
        let value = parameter(type_id::BYTES, &[], length.parse().ok()?);
        return Some((value, behind));
    }
    let is_of_number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let end = text.find(|c| !is_of_number(c)).unwrap_or(text.len());
    let (number, behind) = text.split_at(end);
    let value = if let Ok(integer) = number.parse::<i64>() {
        parameter(type_id::INTEGER, &integer.to_be_bytes(), 8)
    } else {
        let real: f64 = number.parse().ok()?;
        parameter(type_id::REAL, &real.to_be_bytes(), 8)
    };
    Some((value, behind))
}

/// A text up to the quote that ends it; two quotes together are one of the text.
fn quoted(text: &str) -> Option<(Parameter, &str)> {
    let mut quotes = text.match_indices('\'').map(|(at, _)| at);
    let end = loop {
        let at = quotes.next()?;
        if !text[at + 1..].starts_with('\'') {
            break at;
        }
        quotes.next();
    };
    let value = text[..end].replace("''", "'");
    let parameter = parameter(type_id::TEXT, value.as_bytes(), value.len());
    Some((parameter, &text[end + 1..]))
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).take(VALUE);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap_or_default(), 16);
    pairs.map(|pair| byte(pair).unwrap_or_default()).collect()
}

fn parameter(type_id: u32, value: &[u8], length: usize) -> Parameter {
    Parameter {
        type_id,
        is_binary: true,
        value: Some(value[..value.len().min(VALUE)].to_vec()),
        length,
    }
}

fn null() -> Parameter {
    Parameter {
        type_id: 0,
        is_binary: true,
        value: None,
        length: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::parameters;

    /// The values, as their bytes.
    fn values(sent: &str, expanded: &str) -> Option<Vec<Option<Vec<u8>>>> {
        let parameters = parameters(sent, expanded)?;
        Some(parameters.into_iter().map(|one| one.value).collect())
    }

    #[test]
    fn each_kind_of_value_is_found() {
        let sent = "insert into a values (?, ?, ?, ?, ?, '?')";
        let expanded = "insert into a values (7, -1.5, 'it''s, ''', NULL, x'00ff', '?')";
        let expected = [
            Some(7_i64.to_be_bytes().to_vec()),
            Some((-1.5_f64).to_be_bytes().to_vec()),
            Some(b"it's, '".to_vec()),
            None,
            Some(vec![0, 255]),
        ];
        assert_eq!(values(sent, expanded).as_deref(), Some(&expected[..]));
    }

    #[test]
    fn a_value_has_the_number_of_its_parameter() {
        let text = |text: &str| Some(text.as_bytes().to_vec());
        let found = values("select ?3, :b, ?1, :b", "select 'c', 'd', 'a', 'd'");
        let expected = [text("a"), None, text("c"), text("d")];
        assert_eq!(found.as_deref(), Some(&expected[..]));
    }

    #[test]
    fn texts_that_do_not_fit_have_no_values() {
        assert!(parameters("select ?", "-- select ?").is_none());
        assert!(parameters("select ? + 1", "select 1 + 2").is_none());
        assert!(parameters("select ?", "select 'not closed").is_none());
    }
}
