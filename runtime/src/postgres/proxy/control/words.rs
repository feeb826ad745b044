//! The words of a statement.

use super::Argument;
use crate::sql::{self, Token, TokenKind};

/// The tokens of one statement, read by their numbers; beyond the last one they are empty.
pub(super) struct Words<'a> {
    pub(super) sql: &'a str,
    pub(super) tokens: &'a [Token],
}

impl<'a> Words<'a> {
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn raw(&self, n: usize) -> &'a str {
        self.tokens
            .get(n)
            .map_or("", |token| &self.sql[token.from..token.to])
    }

    pub(super) fn kind(&self, n: usize) -> Option<TokenKind> {
        self.tokens.get(n).map(|token| token.kind)
    }

    pub(super) fn is(&self, n: usize, word: &str) -> bool {
        self.kind(n) != Some(TokenKind::Quoted) && self.raw(n).eq_ignore_ascii_case(word)
    }

    pub(super) fn any(&self, n: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(n, word))
    }

    /// An identifier as the server sees it, or the value of a text.
    pub(super) fn name(&self, n: usize) -> String {
        sql::value(self.raw(n))
    }

    pub(super) fn is_name(&self, n: usize) -> bool {
        matches!(self.kind(n), Some(TokenKind::Word | TokenKind::Quoted))
    }

    /// A name with dots: its parts joined, and the number of the token after it.
    pub(super) fn dotted(&self, mut n: usize) -> (String, usize) {
        let mut name = self.name(n);
        while self.raw(n + 1) == "." {
            name.push('.');
            name.push_str(&self.name(n + 2));
            n += 2;
        }
        (name, n + 1)
    }

    /// The last part of a name with dots, and the number of the token after it.
    pub(super) fn last_part(&self, mut n: usize) -> (String, usize) {
        while self.raw(n + 1) == "." {
            n += 2;
        }
        (self.name(n), n + 1)
    }

    /// Where the text of a token begins.
    pub(super) fn rest_from(&self, n: usize) -> &'a str {
        let Some(token) = self.tokens.get(n) else {
            return "";
        };
        let end = self.tokens.last().map_or(self.sql.len(), |last| last.to);
        &self.sql[token.from..end]
    }

    /// The text without one token.
    pub(super) fn without(&self, n: usize) -> String {
        let token = self.tokens[n];
        format!("{}{}", &self.sql[..token.from], &self.sql[token.to..])
    }

    /// The arguments of a call whose parenthesis opens at a token.
    pub(super) fn arguments(&self, open: usize) -> Vec<Argument> {
        let (mut found, mut from, mut depth) = (Vec::new(), open + 1, 0_usize);
        for n in open + 1..=self.len() {
            match self.raw(n) {
                "(" | "[" => depth += 1,
                ")" | "" if depth == 0 => {
                    found.push(self.argument(from, n));
                    break;
                }
                ")" | "]" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    found.push(self.argument(from, n));
                    from = n + 1;
                }
                _ => {}
            }
        }
        found
    }

    /// A single token, with or without a cast.
    fn argument(&self, from: usize, to: usize) -> Argument {
        let is_cast = self.raw(from + 1) == ":" && self.raw(from + 2) == ":";
        if to != from + 1 && !is_cast {
            return Argument::Unknown;
        }
        match self.kind(from) {
            Some(TokenKind::Text) if !self.raw(from).starts_with(['e', 'E']) => {
                Argument::Literal(self.name(from))
            }
            Some(TokenKind::Word) if self.any(from, &["true", "false"]) => {
                Argument::Literal(self.name(from))
            }
            Some(TokenKind::Parameter) => self.raw(from)[1..]
                .parse()
                .map_or(Argument::Unknown, Argument::Parameter),
            _ => Argument::Unknown,
        }
    }
}
