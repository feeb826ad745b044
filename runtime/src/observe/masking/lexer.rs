//! The tokens of a statement, as far as masking needs them.

use std::ops::Range;

/// A piece of a statement; white space and comments are none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// A keyword or a name, without quotes.
    Name(String),
    /// `'text'` in any of its forms.
    Literal(String),
    Number,
    /// `$1`, by its number.
    Parameter(usize),
    /// An operator, or a sign of punctuation.
    Sign(char),
}

/// Tokens with their places in the text.
pub(super) type Tokens = [(Token, Range<usize>)];

/// The tokens with their places in the text. What a quote opens and nothing closes goes to the end.
pub(super) fn tokens(sql: &str) -> Vec<(Token, Range<usize>)> {
    let mut lexer = Lexer { sql, at: 0 };
    let mut tokens = Vec::new();
    while let Some(first) = lexer.rest().chars().next() {
        let start = lexer.at;
        if let Some(token) = lexer.next(first) {
            tokens.push((token, start..lexer.at));
        }
    }
    tokens
}

pub(super) fn sign(tokens: &Tokens, at: usize) -> Option<char> {
    match tokens.get(at)?.0 {
        Token::Sign(sign) => Some(sign),
        _ => None,
    }
}

pub(super) fn is_word(tokens: &Tokens, at: usize, word: &str) -> bool {
    matches!(tokens.get(at), Some((Token::Name(name), _)) if name.eq_ignore_ascii_case(word))
}

struct Lexer<'a> {
    sql: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.sql[self.at..]
    }

    /// Goes on behind the next token, if what comes next is one.
    fn next(&mut self, first: char) -> Option<Token> {
        match first {
            '\'' => return Some(self.literal(false)),
            'e' | 'E' if self.rest()[1..].starts_with('\'') => {
                self.at += 1;
                return Some(self.literal(true));
            }
            '"' => return Some(self.quoted_name()),
            '$' => return Some(self.dollar()),
            '-' if self.rest().starts_with("--") => {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                return None;
            }
            '/' if self.rest().starts_with("/*") => {
                let end = self.rest().find("*/").map(|at| at + 2);
                self.at += end.unwrap_or(self.rest().len());
                return None;
            }
            _ => {}
        }
        if first.is_alphabetic() || first == '_' {
            let name = self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '$');
            return Some(Token::Name(name));
        }
        if first.is_ascii_digit() {
            self.take_while(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
            return Some(Token::Number);
        }
        self.at += first.len_utf8();
        (!first.is_whitespace()).then_some(Token::Sign(first))
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let end = self.rest().find(|c| !fits(c)).unwrap_or(self.rest().len());
        let taken = self.rest()[..end].to_owned();
        self.at += end;
        taken
    }

    fn literal(&mut self, has_escapes: bool) -> Token {
        Token::Literal(self.quoted('\'', has_escapes))
    }

    fn quoted_name(&mut self) -> Token {
        Token::Name(self.quoted('"', false))
    }

    /// What stands in quotes, of which two together are one.
    fn quoted(&mut self, quote: char, has_escapes: bool) -> String {
        let mut text = String::new();
        let mut chars = self.sql[self.at..].char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && has_escapes {
                text.extend(chars.next().map(|(_, escaped)| escaped));
            } else if c != quote {
                text.push(c);
            } else if chars.next_if(|(_, next)| *next == quote).is_some() {
                text.push(quote);
            } else {
                self.at += at + 1;
                return text;
            }
        }
        self.at = self.sql.len();
        text
    }

    /// A parameter, a text between `$tag$`, or a lone sign.
    fn dollar(&mut self) -> Token {
        let rest = &self.rest()[1..];
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        let digits = &rest[..digits.unwrap_or(rest.len())];
        if let Ok(number) = digits.parse() {
            self.at += 1 + digits.len();
            return Token::Parameter(number);
        }
        let tag = rest.find('$').map(|end| &self.rest()[..end + 2]);
        let is_tag = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let Some(tag) = tag.filter(|tag| tag.chars().all(is_tag)).map(str::to_owned) else {
            self.at += 1;
            return Token::Sign('$');
        };
        let body = self.at + tag.len();
        let end = self.sql[body..].find(&tag);
        let end = end.map_or(self.sql.len(), |end| body + end);
        self.at = (end + tag.len()).min(self.sql.len());
        Token::Literal(self.sql[body..end].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    fn kinds(sql: &str) -> Vec<Token> {
        tokens(sql).into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn literals_are_found_in_all_their_forms() {
        for sql in [
            "'it''s'",
            r"e'it\'s'",
            "$$it's$$",
            "$a$it's$a$",
            "/* ' */ 'it''s' -- '",
            "'it''s",
        ] {
            assert_eq!(kinds(sql), [Token::Literal("it's".to_owned())], "{sql}");
        }
    }

    #[test]
    fn names_and_parameters_are_told_apart() {
        let name = |name: &str| Token::Name(name.to_owned());
        let expected = [
            name("a"),
            Token::Sign('.'),
            name("B c"),
            Token::Sign('='),
            Token::Parameter(12),
        ];
        assert_eq!(kinds("a.\"B c\" =$12"), expected);
    }
}
