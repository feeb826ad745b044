//! Text from outside, such that it cannot steer a terminal or forge a line.

use std::borrow::Cow;

/// The text with its control characters written as escapes, except line feeds and tabs.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_control(c) && !matches!(c, '\n' | '\t'))
}

/// The same on one line.
pub(crate) fn on_one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_control)
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for c in text.chars() {
        if is_escaped(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Control characters, separators of lines, and what changes the direction of the text around it.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{on_one_line, printable};

    #[test]
    fn what_would_steer_a_terminal_is_written_out() {
        let text = "a\x1b[2J\x07\r\nb\tö\u{202e}\u{9b}";
        assert_eq!(
            printable(text),
            "a\\u{1b}[2J\\u{7}\\r\nb\tö\\u{202e}\\u{9b}"
        );
        assert_eq!(on_one_line("a\nb\t"), "a\\nb\\t");
        assert_eq!(printable("plain\n"), "plain\n");
    }
}
