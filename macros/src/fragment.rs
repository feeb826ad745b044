//! Fragments of `macro_rules!`, such as `$e:expr`, which arrive in invisible groups.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{Expr, Type};

/// The tokens without the invisible group around all of them.
pub(crate) fn tokens(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            self::tokens(group.stream())
        }
        _ => tokens,
    }
}

/// The tokens with parentheses in place of the invisible groups around operators.
///
/// The compiler ignores such a group in the output of a procedural macro: `$sum * 2` with `1 + 2`
/// as `$sum` would be 5.
pub(crate) fn parenthesized(tokens: TokenStream) -> TokenStream {
    let trees = tokens.into_iter().map(|tree| match tree {
        TokenTree::Group(group) => {
            let delimiter = match group.delimiter() {
                Delimiter::None if has_operator(group.stream()) => Delimiter::Parenthesis,
                delimiter => delimiter,
            };
            let mut inside = Group::new(delimiter, parenthesized(group.stream()));
            inside.set_span(group.span());
            TokenTree::Group(inside)
        }
        tree => tree,
    });
    trees.collect()
}

fn has_operator(tokens: TokenStream) -> bool {
    matches!(
        syn::parse2(tokens),
        Ok(Expr::Binary(_) | Expr::Unary(_) | Expr::Cast(_) | Expr::If(_) | Expr::Match(_))
    )
}

/// The expression itself.
pub(crate) fn expression(expression: &Expr) -> &Expr {
    match expression {
        Expr::Group(group) => self::expression(&group.expr),
        expression => expression,
    }
}

/// The type itself.
pub(crate) fn type_of(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => type_of(&group.elem),
        ty => ty,
    }
}
