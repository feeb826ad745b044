//! The clauses of a statement.

use super::token::{Token, Tokens, is_word};

/// At these words a clause ends and another one begins.
const BORDERS: [&str; 22] = [
    "and",
    "conflict",
    "do",
    "from",
    "group",
    "having",
    "join",
    "limit",
    "offset",
    "on",
    "or",
    "order",
    "returning",
    "select",
    "set",
    "union",
    "update",
    "using",
    "values",
    "where",
    "window",
    "with",
];

/// The number of the clause that each token belongs to. What stands in parentheses belongs to the
/// clause around them, up to a keyword inside; each value of a row of `values` is a clause.
pub(super) fn clauses(tokens: &Tokens) -> Vec<usize> {
    let (mut clauses, mut last) = (Vec::new(), 0);
    let mut outside = Vec::new();
    let mut level = Level {
        clause: 0,
        is_list: true,
        has_rows: false,
    };
    for (at, (token, _)) in tokens.iter().enumerate() {
        let is_border = matches!(token, Token::Name(_))
            && BORDERS.iter().any(|border| is_word(tokens, at, border));
        match token {
            Token::Sign('(') => {
                outside.push(level);
                level.is_list = level.has_rows;
                level.has_rows = false;
            }
            Token::Sign(')') => level = outside.pop().unwrap_or(level),
            Token::Sign(',') if !level.is_list => {}
            Token::Sign(',' | ';') => {
                last += 1;
                level.clause = last;
            }
            Token::Name(_) if is_border => {
                last += 1;
                level = Level {
                    clause: last,
                    is_list: true,
                    has_rows: is_word(tokens, at, "values"),
                };
            }
            _ => {}
        }
        clauses.push(level.clause);
    }
    clauses
}

/// Where one is among parentheses.
#[derive(Clone, Copy)]
struct Level {
    clause: usize,
    /// Whether a comma ends the clause.
    is_list: bool,
    /// Whether it is a row of values that stands in the next parentheses.
    has_rows: bool,
}
