//! The values that options may have.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{Expr, ExprLit, ExprPath, Ident, Lit, LitInt, LitStr, UnOp};

use super::{Flavor, Isolation, write_example};
use crate::errors::mistake;
use crate::fragment;

/// The units of time with their length in milliseconds.
const UNITS: [(&str, u64); 3] = [("ms", 1), ("s", 1000), ("m", 60_000)];

const WRITE_A_LIMIT: &str = "write `timeout = \"5s\"`";

/// A value as an expression, and as the tokens to write for it.
pub(super) struct Value {
    pub(super) expression: Expr,
    tokens: TokenStream,
}

impl Parse for Value {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let written = input.fork();
        let expression = input.parse()?;
        let mut tokens = TokenStream::new();
        while written.cursor() != input.cursor() {
            tokens.extend([written.parse::<TokenTree>()?]);
        }
        let tokens = fragment::parenthesized(tokens);
        Ok(Self { expression, tokens })
    }
}

/// A time limit.
pub(crate) enum Limit {
    Milliseconds(u64),
    /// An expression of type `Duration`.
    Constant(TokenStream),
}

/// Reads the kind of isolation.
pub(super) fn isolation(value: &Expr) -> syn::Result<Isolation> {
    match literal(value) {
        Some(Lit::Str(text)) if text.value() == "transaction" => Ok(Isolation::Transaction),
        Some(Lit::Str(text)) if text.value() == "database" => Ok(Isolation::Database),
        Some(Lit::Str(text)) if text.value() == "memory" => Ok(Isolation::Memory),
        _ => Err(mistake(
            value,
            "expected a kind of isolation in quotes",
            "write `isolation = \"transaction\"` or `isolation = \"database\"`; on SQLite there is also \"memory\"",
        )),
    }
}

/// Reads the flavor of a runtime.
pub(super) fn flavor(value: &Expr) -> syn::Result<Flavor> {
    match literal(value) {
        Some(Lit::Str(text)) if text.value() == "multi_thread" => Ok(Flavor::MultiThread),
        Some(Lit::Str(text)) if text.value() == "current_thread" => Ok(Flavor::CurrentThread),
        _ => Err(mistake(
            value,
            "expected the flavor of a runtime in quotes",
            "write `flavor = \"current_thread\"` or `flavor = \"multi_thread\"`",
        )),
    }
}

/// Reads `true` or `false`.
pub(super) fn yes_or_no(value: &Expr, key: &Ident) -> syn::Result<bool> {
    match literal(value) {
        Some(Lit::Bool(bool)) => Ok(bool.value),
        _ => Err(mistake(
            value,
            "expected `true` or `false`",
            write_example(key),
        )),
    }
}

/// Reads a time limit, such as `"5s"`, or a constant.
pub(super) fn limit(Value { expression, tokens }: Value) -> syn::Result<Limit> {
    match literal(&expression) {
        Some(Lit::Str(text)) => milliseconds(text).map(Limit::Milliseconds),
        Some(Lit::Int(number)) => Err(without_unit(number)),
        None if may_be_constant(&expression) => Ok(Limit::Constant(tokens)),
        _ => Err(mistake(
            expression,
            "expected a time limit in quotes",
            WRITE_A_LIMIT,
        )),
    }
}

/// Reads the path of a function or a crate.
pub(super) fn path(value: &Expr, key: &Ident) -> syn::Result<ExprPath> {
    match (fragment::expression(value), literal(value)) {
        (Expr::Path(path), _) => Ok(path.clone()),
        (_, Some(Lit::Str(text))) if text.parse::<ExprPath>().is_ok() => {
            let help = format!("write `{key} = {}`", text.value());
            Err(mistake(text, "expected a path without quotes", help))
        }
        _ => Err(mistake(
            value,
            if key == "crate" {
                "expected the path of a crate"
            } else {
                "expected the path of a function"
            },
            write_example(key),
        )),
    }
}

/// Reads a number of queries, or a constant.
pub(super) fn count(Value { expression, tokens }: Value, key: &Ident) -> syn::Result<TokenStream> {
    match literal(&expression) {
        Some(Lit::Int(number)) if number.base10_parse::<u32>().is_ok() => Ok(tokens),
        None if may_be_constant(&expression) => Ok(tokens),
        _ => Err(mistake(
            expression,
            "expected a number of queries",
            write_example(key),
        )),
    }
}

/// Whether an expression other than a literal may be constant. The compiler checks the rest.
fn may_be_constant(value: &Expr) -> bool {
    match fragment::expression(value) {
        Expr::Paren(inside) => may_be_constant(&inside.expr),
        Expr::Unary(unary) => !matches!(unary.op, UnOp::Neg(_)),
        Expr::Path(_)
        | Expr::Binary(_)
        | Expr::Block(_)
        | Expr::Call(_)
        | Expr::Cast(_)
        | Expr::Const(_)
        | Expr::Field(_)
        | Expr::If(_)
        | Expr::Index(_)
        | Expr::Macro(_)
        | Expr::Match(_)
        | Expr::MethodCall(_) => true,
        _ => false,
    }
}

fn literal(value: &Expr) -> Option<&Lit> {
    match fragment::expression(value) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

fn milliseconds(text: &LitStr) -> syn::Result<u64> {
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
    let help = format!("write `timeout = \"{}s\"`", number.base10_digits());
    mistake(number, format!("`{number}` has no unit"), help)
}

fn not_a_limit(text: &LitStr) -> syn::Error {
    let units = UNITS.map(|(name, _)| format!("`{name}`")).join(", ");
    let help = format!("write a number and a unit ({units}): `timeout = \"5s\"`");
    mistake(
        text,
        format!("`{}` is not a time limit", text.value()),
        help,
    )
}
