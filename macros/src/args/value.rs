//! The values that options may have.

use syn::{Expr, ExprLit, ExprPath, Ident, Lit, LitInt, LitStr};

use super::{Isolation, write_example};
use crate::errors::mistake;

/// The units of time with their length in milliseconds.
const UNITS: [(&str, u64); 3] = [("ms", 1), ("s", 1000), ("m", 60_000)];

const WRITE_A_LIMIT: &str = "write `timeout = \"5s\"`";

/// Reads the kind of isolation.
pub(super) fn isolation(value: &Expr) -> syn::Result<Isolation> {
    match literal(value) {
        Some(Lit::Str(text)) if text.value() == "transaction" => Ok(Isolation::Transaction),
        Some(Lit::Str(text)) if text.value() == "database" => Ok(Isolation::Database),
        _ => Err(mistake(
            value,
            "expected a kind of isolation in quotes",
            "write `isolation = \"transaction\"` or `isolation = \"database\"`",
        )),
    }
}

/// Reads a time limit, such as `"5s"`.
pub(super) fn milliseconds(value: &Expr) -> syn::Result<u64> {
    match literal(value) {
        Some(Lit::Str(text)) => limit(text),
        Some(Lit::Int(number)) => Err(without_unit(number)),
        _ => Err(mistake(
            value,
            "expected a time limit in quotes",
            WRITE_A_LIMIT,
        )),
    }
}

/// Reads the path of a function.
pub(super) fn path(value: &Expr, key: &Ident) -> syn::Result<ExprPath> {
    match (value, literal(value)) {
        (Expr::Path(path), _) => Ok(path.clone()),
        (_, Some(Lit::Str(text))) if text.parse::<ExprPath>().is_ok() => {
            let cure = format!("write `{key} = {}`", text.value());
            Err(mistake(text, "expected a path without quotes", cure))
        }
        _ => Err(mistake(
            value,
            "expected the path of a function",
            write_example(key),
        )),
    }
}

/// Reads a number of queries.
pub(super) fn count(value: &Expr, key: &Ident) -> syn::Result<LitInt> {
    match literal(value) {
        Some(Lit::Int(number)) if number.base10_parse::<u32>().is_ok() => Ok(number.clone()),
        _ => Err(mistake(
            value,
            "expected a number of queries",
            write_example(key),
        )),
    }
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

fn limit(text: &LitStr) -> syn::Result<u64> {
    let limit = text.value();
    let digits = limit.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = limit.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit);
    let milliseconds = match (number.parse::<u64>(), unit) {
        (Ok(number), Some((_, length))) => number.checked_mul(*length),
        _ => None,
    };
    match milliseconds {
        Some(0) => {
            let problem = format!("a time limit of `{limit}` would stop every test");
            Err(mistake(text, problem, WRITE_A_LIMIT))
        }
        Some(milliseconds) => Ok(milliseconds),
        None => Err(not_a_limit(text)),
    }
}

fn without_unit(number: &LitInt) -> syn::Error {
    let cure = format!("write `timeout = \"{}s\"`", number.base10_digits());
    mistake(number, format!("`{number}` has no unit"), cure)
}

fn not_a_limit(text: &LitStr) -> syn::Error {
    let units = UNITS.map(|(name, _)| format!("`{name}`")).join(", ");
    let cure = format!("write a number and a unit ({units}): `timeout = \"5s\"`");
    mistake(
        text,
        format!("`{}` is not a time limit", text.value()),
        cure,
    )
}
