//! Which values of a statement stand for a column, or go to a function, that is named like a
//! secret.
//!
//! A statement is cut at keywords and commas into clauses such as `token = $1`. Where a clause
//! names a secret, all of its values are secrets. The values of a list belong to the names of
//! another one, by their places: `(email, password) values ($1, $2)`.

use std::{collections::HashSet, ops::Range};

use super::{
    clause::clauses,
    list::lists,
    name::{is_secret, names_a_secret},
    token::{self, Dialect, Token, Tokens, is_word, sign},
};

/// What is not to be printed of a statement.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// Whether the text has the name of a secret anywhere.
    pub(super) names_any: bool,
    /// Numbers and literals in the text.
    pub(super) values: Vec<Range<usize>>,
    /// The literals that are not secrets as a whole, in a text that names secrets.
    pub(super) others: Vec<Range<usize>>,
    /// The numbers of parameters, from 1.
    parameters: HashSet<usize>,
    /// The last parameter that is seen, where the text names secrets and is not complete.
    seen: Option<usize>,
}

/// Functions whose first argument is a name.
const NAMING: [&str; 2] = ["set_config", "current_setting"];

/// The secrets of a statement, of which perhaps only the beginning is there.
pub(crate) fn secrets(sql: &str, dialect: Dialect, is_complete: bool) -> Secrets {
    let mut secrets = Secrets::default();
    // Without the name of a secret there is none: most statements end here.
    if !is_secret(sql) {
        return secrets;
    }
    secrets.names_any = true;
    let tokens = match dialect {
        Dialect::Postgres => token::tokens(sql),
        #[cfg(feature = "sqlite")]
        Dialect::Sqlite => super::sqlite_token::tokens(sql),
    };
    let clauses = clauses(&tokens);
    let naming = (0..tokens.len()).filter(|at| names_a_secret(&tokens, *at));
    let naming: HashSet<_> = naming.map(|at| clauses[at]).collect();
    for (at, clause) in clauses.iter().enumerate() {
        if naming.contains(clause) && !is_key(&tokens, at) {
            secrets.add(&tokens[at]);
        }
    }
    for range in lists(&tokens) {
        tokens[range].iter().for_each(|token| secrets.add(token));
    }
    let literals = tokens.iter().filter(|(token, range)| {
        matches!(token, Token::Literal(_)) && !secrets.values.contains(range)
    });
    secrets.others = literals.map(|(_, range)| range.clone()).collect();
    if !is_complete {
        let numbers = tokens.iter().map(|(token, _)| match token {
            Token::Parameter(number) => *number,
            _ => 0,
        });
        secrets.seen = numbers.max();
    }
    secrets
}

impl Secrets {
    /// Whether a parameter is one, by its number from 1.
    pub(crate) fn has_parameter(&self, number: usize) -> bool {
        self.parameters.contains(&number) || self.seen.is_some_and(|seen| number > seen)
    }

    fn add(&mut self, (token, range): &(Token, Range<usize>)) {
        match token {
            Token::Literal(_) | Token::Number => self.values.push(range.clone()),
            Token::Parameter(number) => drop(self.parameters.insert(*number)),
            Token::Name(_) | Token::Sign(_) => {}
        }
    }
}

/// Whether a literal is a key of JSON or the name of a setting, which may be seen.
fn is_key(tokens: &Tokens, at: usize) -> bool {
    let of_json = sign(tokens, at.wrapping_sub(1)) == Some('>')
        && matches!(sign(tokens, at.wrapping_sub(2)), Some('-' | '>'));
    let of_function = sign(tokens, at.wrapping_sub(1)) == Some('(')
        && NAMING
            .iter()
            .any(|name| is_word(tokens, at.wrapping_sub(2), name));
    matches!(tokens[at].0, Token::Literal(_)) && (of_json || of_function)
}

#[cfg(test)]
mod tests;
