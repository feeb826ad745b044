//! The tokens of a statement, as far as masking needs them.

use std::ops::Range;

use crate::sql::{self, TokenKind};

/// Whose SQL a statement is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Dialect {
    #[default]
    Postgres,
    #[cfg(feature = "sqlite")]
    Sqlite,
}

/// A piece of a statement; white space and comments are none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// A keyword or a name, without quotes.
    Name(String),
    /// `'text'` in any of its forms.
    Literal(String),
    Number,
    /// `$1`, by its number; on SQLite also `?`, `?1`, `:name`, `@name` and `$name`.
    Parameter(usize),
    /// An operator, or a sign of punctuation.
    Sign(char),
}

/// Tokens with their places in the text.
pub(super) type Tokens = [(Token, Range<usize>)];

/// The tokens with their places in the text. What a quote opens and nothing closes goes to the end.
pub(super) fn tokens(sql: &str) -> Vec<(Token, Range<usize>)> {
    let read = |token: sql::Token| {
        let place = token.from..token.to;
        (read(token.kind, &sql[place.clone()]), place)
    };
    sql::tokens(sql, false).into_iter().map(read).collect()
}

fn read(kind: TokenKind, text: &str) -> Token {
    match kind {
        // Its capitals say where the words of a name begin.
        TokenKind::Word => Token::Name(text.to_owned()),
        TokenKind::Quoted => Token::Name(sql::value(text)),
        TokenKind::Text => Token::Literal(sql::value(text)),
        TokenKind::Parameter => text[1..].parse().map_or(Token::Sign('$'), Token::Parameter),
        TokenKind::Other => match text.chars().next().unwrap_or_default() {
            digit if digit.is_ascii_digit() => Token::Number,
            sign => Token::Sign(sign),
        },
    }
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
