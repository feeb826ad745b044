//! The tokens of a SQLite statement.

use std::{collections::HashMap, ops::Range};

use super::token::Token;

/// The tokens with their places in the text. What a quote opens and nothing closes goes to the end.
pub(super) fn tokens(sql: &str) -> Vec<(Token, Range<usize>)> {
    let mut lexer = Lexer {
        sql,
        at: 0,
        numbers: HashMap::new(),
        last: 0,
    };
    let mut tokens = Vec::new();
    while let Some(first) = lexer.rest().chars().next() {
        let start = lexer.at;
        if let Some(token) = lexer.next(first) {
            tokens.push((token, start..lexer.at));
        }
    }
    tokens
}

/// The parameters with their places in the text.
pub(crate) fn parameters(sql: &str) -> impl Iterator<Item = (usize, Range<usize>)> {
    let tokens = tokens(sql).into_iter();
    tokens.filter_map(|(token, range)| match token {
        Token::Parameter(number) => Some((number, range)),
        _ => None,
    })
}

struct Lexer<'a> {
    sql: &'a str,
    at: usize,
    /// The numbers of named parameters.
    numbers: HashMap<String, usize>,
    /// The highest number of a parameter.
    last: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.sql[self.at..]
    }

    /// Goes on behind the next token, if what comes next is one.
    fn next(&mut self, first: char) -> Option<Token> {
        match first {
            '\'' => return Some(Token::Literal(self.quoted('\''))),
            '"' | '`' => return Some(Token::Name(self.quoted(first))),
            '[' => {
                self.at += 1;
                let name = self.take_while(|c| c != ']');
                self.at = (self.at + 1).min(self.sql.len());
                return Some(Token::Name(name));
            }
            '-' if self.rest().starts_with("--") => {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                return None;
            }
            '/' if self.rest().starts_with("/*") => {
                let end = self.rest().find("*/").map(|at| at + 2);
                self.at += end.unwrap_or(self.rest().len());
                return None;
            }
            '?' | ':' | '@' | '$' => return Some(self.parameter(first)),
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

    /// `?`, `?1`, `:name`, `@name` or `$name`: <https://www.sqlite.org/lang_expr.html#parameters>.
    fn parameter(&mut self, first: char) -> Token {
        self.at += 1;
        let name = self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '$');
        let digits = name.find(|c: char| !c.is_ascii_digit());
        let digits = digits.unwrap_or(name.len());
        // sqlx counts `$1` as `?1`.
        let number = if first == '?' || first == '$' && digits > 0 {
            self.at -= name.len() - digits;
            name[..digits].parse().unwrap_or(self.last + 1)
        } else if name.is_empty() {
            return Token::Sign(first);
        } else {
            let next = self.last + 1;
            *self.numbers.entry(format!("{first}{name}")).or_insert(next)
        };
        self.last = self.last.max(number);
        Token::Parameter(number)
    }

    /// What stands in quotes, of which two together are one.
    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        let mut chars = self.sql[self.at..].char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c != quote {
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
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[test]
    fn parameters_have_the_numbers_that_sqlite_gives_them() {
        for (sql, expected) in [
            ("? ?", vec![1, 2]),
            ("?3 ? ?1", vec![3, 4, 1]),
            ("$2 $1", vec![2, 1]),
            (":a @a $a :a ?", vec![1, 2, 3, 1, 4]),
            ("'?' \"?\" `?` [?] -- ?\n /* ? */ ?", vec![1]),
            ("a->>'$.b' : ?", vec![1]),
        ] {
            let found: Vec<_> = parameters(sql).map(|(number, _)| number).collect();
            assert_eq!(found, expected, "{sql}");
        }
    }
}
