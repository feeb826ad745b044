//! A function whose signature is parsed and whose body is kept as tokens.
//!
//! The body is passed on unchanged: a mistake in it gets the compiler's own error, and an editor
//! completes in it while it is half typed.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, Lit, Signature, Token, Visibility};

use crate::errors::mistake;
use crate::fragment;

/// A function as its user wrote it.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        expect_function(&input.fork())?;
        Ok(Self {
            attributes,
            visibility,
            signature: input.parse()?,
            body: parse_body(input)?,
        })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attribute in &self.attributes {
            attribute.to_tokens(tokens);
        }
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// Whether a function stands next in the input.
pub(crate) fn is_next(input: ParseStream) -> bool {
    let ahead = input.fork();
    let start = ahead
        .call(Attribute::parse_outer)
        .and_then(|_| ahead.parse::<Visibility>());
    start.and_then(|_| expect_function(&ahead)).is_ok()
}

/// Names the token where `fn` should be, which the error of the signature's parser would not.
fn expect_function(input: ParseStream) -> syn::Result<()> {
    while input.peek(Token![const]) || input.peek(Token![async]) || input.peek(Token![unsafe]) {
        input.call(Ident::parse_any)?;
    }
    if input.parse::<Option<Token![extern]>>()?.is_some() {
        input.parse::<Option<Lit>>()?;
    }
    if input.peek(Token![fn]) {
        return Ok(());
    }
    let found: TokenTree = input.parse()?;
    let problem = format!("expected a function, found `{found}`");
    Err(mistake(found, problem, "move the attribute to a function"))
}

/// Parses a body, which is in an invisible group if it comes from a `$body:block`.
fn parse_body(input: ParseStream) -> syn::Result<Group> {
    let missing = input.error("expected a body\nwrite `{ … }`");
    let body = input.step(|cursor| {
        let next = cursor.token_tree();
        next.ok_or_else(|| cursor.error("the item ends here"))
    });
    let body = body.map(|tree| fragment::tokens(tree.into()).into_iter().next());
    match body {
        Ok(Some(TokenTree::Group(body))) if body.delimiter() == Delimiter::Brace => Ok(body),
        _ => Err(missing),
    }
}
