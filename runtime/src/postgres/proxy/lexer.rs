//! Cutting SQL into tokens and statements, as PostgreSQL's scanner does (`scan.l`).

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TokenKind {
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
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The tokens of a text, without white space and comments. `backslashes` is true where
/// `standard_conforming_strings` is off.
pub(super) fn tokens(sql: &str, backslashes: bool) -> Vec<Token> {
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

/// The statements of a simple query by their places, without semicolons; empty ones are left out.
pub(super) fn statements(sql: &str, tokens: &[Token]) -> Vec<(usize, usize)> {
    let (mut found, mut start, mut is_empty) = (Vec::new(), 0, true);
    let (mut parentheses, mut atomic, mut last) = (0_usize, 0_usize, "");
    for token in tokens {
        let text = &sql[token.from..token.to];
        let is = |word: &str| token.kind == TokenKind::Word && text.eq_ignore_ascii_case(word);
        match text {
            ";" if parentheses == 0 && atomic == 0 => {
                if !is_empty {
                    found.push((start, token.from));
                }
                (start, is_empty) = (token.to, true);
                continue;
            }
            "(" => parentheses += 1,
            ")" => parentheses = parentheses.saturating_sub(1),
            // The body of a function in SQL's own form has semicolons of its own.
            _ if is("atomic") && last.eq_ignore_ascii_case("begin") => atomic = 1,
            _ if atomic > 0 && is("case") => atomic += 1,
            _ if atomic > 0 && is("end") => atomic -= 1,
            _ => {}
        }
        (last, is_empty) = (text, false);
    }
    if !is_empty {
        found.push((start, sql.len()));
    }
    found
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
    use super::{statements, tokens};

    fn split(sql: &str) -> Vec<&str> {
        let places = statements(sql, &tokens(sql, false));
        places
            .iter()
            .map(|(from, to)| sql[*from..*to].trim())
            .collect()
    }

    #[test]
    fn semicolons_in_quotes_and_comments_end_nothing() {
        assert_eq!(
            split("select ';', E'\\';'; /* ; /* ; */ ; */ begin; do $x$ a;b $x$ -- ;\n; commit;"),
            [
                "select ';', E'\\';'",
                "/* ; /* ; */ ; */ begin",
                "do $x$ a;b $x$ -- ;",
                "commit"
            ]
        );
    }

    #[test]
    fn a_body_in_the_form_of_sql_is_part_of_its_statement() {
        let sql = "create function f() returns int begin atomic select case when true then 1 end; end; select 1";
        assert_eq!(split(sql).len(), 2);
    }

    #[test]
    fn nothing_but_blanks_is_no_statement() {
        assert!(split(" ; -- x\n ;").is_empty());
    }

    #[test]
    fn a_quote_that_is_not_closed_ends_with_the_text() {
        for sql in ["'", "\"a", "$x$ a", "E'\\", "/* a", "$", "U&\"ä"] {
            assert!(tokens(sql, false).iter().all(|token| token.to <= sql.len()));
        }
    }
}
