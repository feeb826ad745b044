//! Parameters as literals, by the object ids of their types (`pg_type.dat` of PostgreSQL).

use std::fmt::Write;

use super::statement::Parameter;
use crate::observe::{masking::masked, printable::on_one_line};

/// The types of SQLite's values: PostgreSQL's of the same kind.
#[cfg(feature = "sqlite")]
pub(crate) mod type_id {
    pub(crate) const BYTES: u32 = 17;
    pub(crate) const INTEGER: u32 = 20;
    pub(crate) const TEXT: u32 = 25;
    pub(crate) const REAL: u32 = 701;
}

/// The longest literal that is shown, in characters.
const SHOWN: usize = 120;

/// A parameter as it would be written in SQL, shortened.
pub(super) fn literal(parameter: &Parameter) -> String {
    let Some(value) = &parameter.value else {
        return "null".to_owned();
    };
    let text = if parameter.is_binary {
        binary(parameter.type_id, value)
    } else {
        None
    };
    let text = text.unwrap_or_else(|| plain(value));
    if value.len() < parameter.length {
        return format!("{text} ({} bytes)", parameter.length);
    }
    text
}

/// The text of a value, in quotes; of bytes that are no text, their beginning in hexadecimal.
fn plain(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains('\0') => quoted(text),
        _ => hexadecimal(value),
    }
}

fn quoted(text: &str) -> String {
    let text = masked(text);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let shown = shown.replace('\'', "''");
    if on_one_line(&shown) == shown {
        return format!("'{shown}'");
    }
    format!("e'{}'", on_one_line(&shown.replace('\\', "\\\\")))
}

fn hexadecimal(value: &[u8]) -> String {
    let mut shown = String::new();
    for byte in value.iter().take(16) {
        write!(shown, "{byte:02x}").ok();
    }
    if value.len() > 16 {
        format!("'\\x{shown}…' ({} bytes)", value.len())
    } else {
        format!("'\\x{shown}'")
    }
}

fn binary(type_id: u32, value: &[u8]) -> Option<String> {
    Some(match type_id {
        16 => (*value.first()? != 0).to_string(),
        17 => hexadecimal(value),
        20 => i64::from_be_bytes(value.try_into().ok()?).to_string(),
        21 => i16::from_be_bytes(value.try_into().ok()?).to_string(),
        23 => i32::from_be_bytes(value.try_into().ok()?).to_string(),
        26 => u32::from_be_bytes(value.try_into().ok()?).to_string(),
        700 => f32::from_be_bytes(value.try_into().ok()?).to_string(),
        701 => f64::from_be_bytes(value.try_into().ok()?).to_string(),
        1082 => format!(
            "'{}'",
            date(i64::from(i32::from_be_bytes(value.try_into().ok()?)))
        ),
        1114 => format!(
            "'{}'",
            timestamp(i64::from_be_bytes(value.try_into().ok()?))
        ),
        1184 => format!(
            "'{}+00'",
            timestamp(i64::from_be_bytes(value.try_into().ok()?))
        ),
        2950 => uuid(value)?,
        // The first byte is the version of the format.
        3802 => plain(value.get(1..)?),
        _ => return array(value),
    })
}

/// An array of one dimension: dimensions, flags, the elements' type, length and lower bound, then
/// each element with its length.
fn array(value: &[u8]) -> Option<String> {
    let word = |at: usize| Some(u32::from_be_bytes(value.get(at..at + 4)?.try_into().ok()?));
    let (dimensions, flags, type_id) = (word(0)?, word(4)?, word(8)?);
    if dimensions == 0 && flags <= 1 && value.len() == 12 {
        return Some("'{}'".to_owned());
    }
    if dimensions != 1 || flags > 1 {
        return None;
    }
    let (count, mut at) = (word(12)? as usize, 20);
    let mut elements = Vec::new();
    for _ in 0..count {
        let length = word(at)?;
        at += 4;
        let element = (length != u32::MAX).then(|| value.get(at..at + length as usize));
        let element = match element {
            Some(bytes) => Some(bytes?.to_vec()),
            None => None,
        };
        at += element.as_ref().map_or(0, Vec::len);
        elements.push(literal(&Parameter {
            type_id,
            is_binary: true,
            length: element.as_ref().map_or(0, Vec::len),
            value: element,
        }));
        if elements.len() == 8 && count > 8 {
            elements.push(format!("… {count} in all"));
            break;
        }
    }
    Some(format!("array[{}]", elements.join(", ")))
}

fn uuid(value: &[u8]) -> Option<String> {
    let number = u128::from_be_bytes(value.try_into().ok()?);
    let digits = format!("{number:032x}");
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    Some(format!("'{}'", parts.join("-")))
}

/// Microseconds since 2000 as a date and a time.
fn timestamp(microseconds: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    let (day, rest) = (microseconds.div_euclid(DAY), microseconds.rem_euclid(DAY));
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let time = format!("{} {hours:02}:{minutes:02}:{seconds:02}", date(day));
    if fraction == 0 {
        time
    } else {
        format!("{time}.{fraction:06}")
    }
}

/// Days since 2000 as a date, in eras of 400 years that begin in March, after the leap day.
fn date(days: i64) -> String {
    /// From the first of March of the year 0 to the first of January 2000.
    const EPOCH: i64 = 730_425;
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::{Parameter, date, literal, timestamp};

    fn shown(type_id: u32, value: &[u8]) -> String {
        literal(&Parameter {
            type_id,
            is_binary: true,
            value: Some(value.to_vec()),
            length: value.len(),
        })
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (days, text) in [
            (0, "2000-01-01"),
            (59, "2000-02-29"),
            (-1, "1999-12-31"),
            (9824, "2026-11-24"),
        ] {
            assert_eq!(date(days), text);
        }
        assert_eq!(timestamp(1_500_000), "2000-01-01 00:00:01.500000");
        assert_eq!(timestamp(-1_000_000), "1999-12-31 23:59:59");
    }

    #[test]
    fn values_are_shown_as_literals() {
        assert_eq!(shown(23, &7_i32.to_be_bytes()), "7");
        assert_eq!(shown(16, &[1]), "true");
        assert_eq!(shown(25, "it's".as_bytes()), "'it''s'");
        assert_eq!(shown(17, &[0xde, 0xad]), "'\\xdead'");
        assert_eq!(shown(3802, b"\x01{}"), "'{}'");
        assert_eq!(
            shown(2950, &[0x11; 16]),
            "'11111111-1111-1111-1111-111111111111'"
        );
        let of_two = [
            &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 2, 0, 0, 0, 1][..],
            &[0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 6],
        ]
        .concat();
        assert_eq!(shown(1007, &of_two), "array[5, 6]");
    }
}
