//! An `impl FromRequestParts<S> for T`, with the bodies of its methods kept as tokens.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{GenericParam, Generics, ImplItem, ImplItemType, ItemImpl};

use crate::function::{self, Function};

/// The implementation as its user wrote it.
pub(super) struct Extractor {
    /// Everything but the methods below.
    pub(super) rest: ItemImpl,
    /// The definitions of `from_request_parts`: one, unless `#[cfg]` chooses between several.
    pub(super) methods: Vec<Function>,
}

impl Extractor {
    pub(super) fn parse(item: TokenStream) -> syn::Result<Self> {
        let (header, members) = split_before_braces(item);
        let mut rest: ItemImpl = syn::parse2(header).map_err(|error| {
            let problem = "`#[overridable]` goes on an extractor";
            let help = "move it to an `impl FromRequestParts<…> for …`";
            syn::Error::new(error.span(), format!("{problem}\n{help}"))
        })?;
        let mut methods = Vec::new();
        let every_member = |input: ParseStream| {
            while !input.is_empty() {
                if !function::is_next(input) {
                    rest.items.push(input.parse()?);
                    continue;
                }
                let method: Function = input.parse()?;
                if method.signature.ident == "from_request_parts" {
                    methods.push(method);
                } else {
                    rest.items
                        .push(ImplItem::Verbatim(method.to_token_stream()));
                }
            }
            Ok(())
        };
        every_member.parse2(members)?;
        Ok(Self { rest, methods })
    }

    /// The definitions of `Rejection`: one, unless `#[cfg]` chooses between several.
    pub(super) fn rejections(&self) -> impl Iterator<Item = &ImplItemType> {
        self.rest.items.iter().filter_map(|item| match item {
            ImplItem::Type(ty) if ty.ident == "Rejection" => Some(ty),
            _ => None,
        })
    }

    /// The generic parameters that the type itself does not name, such as the `S` of
    /// `impl<S> FromRequestParts<S> for CurrentUser`.
    pub(super) fn state_parameters(&self) -> Vec<Ident> {
        let names = self.rest.generics.params.iter().map(name_of);
        names
            .filter(|name| !mentions(&self.rest.self_ty, std::slice::from_ref(name)))
            .collect()
    }

    /// The other generic parameters, with the bounds that do not involve the state.
    pub(super) fn type_generics(&self) -> Generics {
        let state = self.state_parameters();
        let mut generics = self.rest.generics.clone();
        keep(&mut generics.params, |parameter| {
            !state.contains(&name_of(parameter))
        });
        for parameter in generics.type_params_mut() {
            keep(&mut parameter.bounds, |bound| !mentions(bound, &state));
        }
        if let Some(clause) = &mut generics.where_clause {
            keep(&mut clause.predicates, |predicate| {
                !mentions(predicate, &state)
            });
        }
        generics
    }
}

impl ToTokens for Extractor {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut whole = self.rest.clone();
        let methods = self.methods.iter().map(ToTokens::to_token_stream);
        whole.items.extend(methods.map(ImplItem::Verbatim));
        whole.to_tokens(tokens);
    }
}

/// Whether tokens name one of these parameters, at any depth.
pub(super) fn mentions(tokens: &impl ToTokens, names: &[Ident]) -> bool {
    tokens.to_token_stream().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => names.contains(&ident),
        TokenTree::Group(group) => mentions(&group.stream(), names),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The item with its last braces emptied, and what was between them.
fn split_before_braces(item: TokenStream) -> (TokenStream, TokenStream) {
    let mut trees: Vec<TokenTree> = item.into_iter().collect();
    let mut members = TokenStream::new();
    if let Some(TokenTree::Group(braces)) = trees.last_mut() {
        let mut emptied = Group::new(braces.delimiter(), TokenStream::new());
        emptied.set_span(braces.span());
        members = std::mem::replace(braces, emptied).stream();
    }
    (trees.into_iter().collect(), members)
}

fn name_of(parameter: &GenericParam) -> Ident {
    match parameter {
        GenericParam::Lifetime(lifetime) => lifetime.lifetime.ident.clone(),
        GenericParam::Type(ty) => ty.ident.clone(),
        GenericParam::Const(constant) => constant.ident.clone(),
    }
}

fn keep<T, P: Default>(list: &mut Punctuated<T, P>, wanted: impl Fn(&T) -> bool) {
    *list = std::mem::take(list).into_iter().filter(wanted).collect();
}
