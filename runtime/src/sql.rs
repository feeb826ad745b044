//! Cuts SQL into tokens and statements, as PostgreSQL's scanner does (`scan.l`).
//!
//! The proxy reads with it what a statement does, reports which literals are secrets, templates
//! which roles a migration creates, and messages on which line a statement of a script begins. A
//! token is its place in the text, so cutting allocates nothing but the list.

mod statements;
mod value;

pub(crate) use self::{statements::statements, value::value};

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TokenKind {
    Word,
    /// An identifier in double quotes.
    Quoted,
    Text,
    /// `$1`.
    Parameter,
    Other,
}

/// A token by its place in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// The tokens of a text, without white space and comments. `backslashes` is true where
/// `standard_conforming_strings` is off.
pub(crate) fn tokens(sql: &str, backslashes: bool) -> Vec<Token> {
    let mut scanner = Scanner {
        bytes: sql.as_bytes(),
        at: 0,
        backslashes,
    };
    let mut tokens = Vec::new();
    while scanner.skip_blanks() {
        let from = scanner.at;
        let kind = scanner.token();
        let to = scanner.at.min(sql.len());
        scanner.at = to;
        tokens.push(Token { kind, from, to });
    }
    tokens
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    backslashes: bool,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Skips white space and comments; says whether anything is left.
    fn skip_blanks(&mut self) -> bool {
        while !self.is_done() {
            match (self.peek(0), self.peek(1)) {
                (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, _) => self.at += 1,
                (b'-', b'-') => {
                    while !self.is_done() && !matches!(self.peek(0), b'\n' | b'\r') {
                        self.at += 1;
                    }
                }
                (b'/', b'*') => self.skip_comment(),
                _ => return true,
            }
        }
        false
    }

    /// Comments can contain comments.
    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        while !self.is_done() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => {
                    (depth, self.at) = (depth - 1, self.at + 2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn token(&mut self) -> TokenKind {
        match self.peek(0) {
            b'\'' => self.text(self.backslashes),
            b'e' | b'E' if self.peek(1) == b'\'' => {
                self.at += 1;
                self.text(true)
            }
            b'b' | b'B' | b'x' | b'X' | b'n' | b'N' if self.peek(1) == b'\'' => {
                self.at += 1;
                self.text(false)
            }
            b'"' => {
                self.quoted(b'"', false);
                TokenKind::Quoted
            }
            b'$' if self.peek(1).is_ascii_digit() => {
                self.at += 1;
                self.skip_while(|byte| byte.is_ascii_digit());
                TokenKind::Parameter
            }
            b'$' => self.dollar(),
            byte if is_word_start(byte) => {
                self.skip_while(|byte| {
                    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
                });
                TokenKind::Word
            }
            byte if byte.is_ascii_digit() => {
                self.skip_while(|byte| {
                    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_'
                });
                TokenKind::Other
            }
            _ => {
                self.at += 1;
                TokenKind::Other
            }
        }
    }

    fn text(&mut self, backslashes: bool) -> TokenKind {
        self.quoted(b'\'', backslashes);
        TokenKind::Text
    }

    fn quoted(&mut self, quote: u8, backslashes: bool) {
        self.at += 1;
        while !self.is_done() {
            match (self.peek(0), self.peek(1)) {
                (b'\\', _) if backslashes => self.at += 2,
                (byte, next) if byte == quote && next == quote => self.at += 2,
                (byte, _) if byte == quote => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
    }

    /// A text between dollar quotes, or a dollar sign that begins none.
    fn dollar(&mut self) -> TokenKind {
        let from = self.at;
        self.at += 1;
        self.skip_while(|byte| is_word_start(byte) || byte.is_ascii_digit());
        if self.peek(0) != b'$' {
            self.at = from + 1;
            return TokenKind::Other;
        }
        self.at += 1;
        let quote = &self.bytes[from..self.at];
        let body = &self.bytes[self.at..];
        let end = body.windows(quote.len()).position(|part| part == quote);
        self.at += end.map_or(body.len(), |end| end + quote.len());
        TokenKind::Text
    }

    fn skip_while(&mut self, fits: impl Fn(u8) -> bool) {
        while !self.is_done() && fits(self.peek(0)) {
            self.at += 1;
        }
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{TokenKind, tokens};

    fn kinds(sql: &str) -> Vec<(TokenKind, &str)> {
        let kind = |token: super::Token| (token.kind, &sql[token.from..token.to]);
        tokens(sql, false).into_iter().map(kind).collect()
    }

    #[test]
    fn each_kind_of_token_is_recognized() {
        use TokenKind::{Other, Parameter, Quoted, Text, Word};
        assert_eq!(
            kinds("Select \"a\"\"b\" , 1.5e3 /* /* */ */ = $12 -- x\n $t$ ' $t$ é$1 e'\\'' x'0f'"),
            [
                (Word, "Select"),
                (Quoted, "\"a\"\"b\""),
                (Other, ","),
                (Other, "1.5e3"),
                (Other, "="),
                (Parameter, "$12"),
                (Text, "$t$ ' $t$"),
                (Word, "é$1"),
                (Text, "e'\\''"),
                (Text, "x'0f'"),
            ]
        );
    }

    #[test]
    fn a_backslash_escapes_where_strings_do_not_conform() {
        assert_eq!(tokens(r"'\' ;'", true).len(), 1);
        assert_eq!(tokens(r"'\' ;'", false).len(), 3);
    }

    #[test]
    fn a_quote_that_is_not_closed_ends_with_the_text() {
        for sql in ["'", "\"a", "$x$ a", "E'\\", "/* a", "$", "U&\"ä"] {
            assert!(tokens(sql, false).iter().all(|token| token.to <= sql.len()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Each token is a piece of the text, and they stand one after the other.
        #[test]
        fn any_text_can_be_cut(
            pieces in prop::collection::vec("([eExXnN]?'|\"|\\$[a-z]?\\$|--|/\\*|\\*/|\\\\|ö|[ -~]|\n)", 0..30),
            backslashes in any::<bool>(),
        ) {
            let sql = pieces.concat();
            let mut end = 0;
            for token in tokens(&sql, backslashes) {
                prop_assert!(end <= token.from && token.from < token.to);
                prop_assert!(sql.get(token.from..token.to).is_some(), "{token:?}");
                end = token.to;
            }
        }
    }
}
