//! `#[derive(FromTest)]`: a struct each of whose fields could be an argument of a test.
//!
//! From
//!
//! ```text
//! #[derive(FromTest)]
//! struct Shop { client: Client, ada: Ada }
//! ```
//!
//! it makes
//!
//! ```text
//! impl ::db_test::macro_support::FromTest for Shop {
//!     async fn from_test(
//!         cx: &::db_test::macro_support::TestContext,
//!     ) -> ::core::result::Result<Self, ::db_test::macro_support::BoxError> {
//!         ::core::result::Result::Ok(Self {
//!             client: cx.field("client").await?,
//!             ada: cx.field("ada").await?,
//!         })
//!     }
//! }
//! ```

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, ExprPath, Fields};

use crate::args;
use crate::crate_path::CratePath;
use crate::errors::{Errors, as_written};

/// Turns a struct into an implementation for it, or into its mistakes.
pub(crate) fn compile(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let path = crate_option(&item, &mut errors);
    let db_test = CratePath::find(path.as_ref(), &mut errors);
    is_not_generic(&item, &mut errors);
    match &item.data {
        Data::Struct(data) if errors.is_empty() => expand(&item, &data.fields, &db_test),
        Data::Struct(_) => errors.into_token_stream(),
        Data::Enum(data) => refuse(&item, "an enum", data.enum_token, errors),
        Data::Union(data) => refuse(&item, "a union", data.union_token, errors),
    }
}

/// The path in `#[from_test(crate = path)]`.
fn crate_option(item: &DeriveInput, errors: &mut Errors) -> Option<ExprPath> {
    let mut attributes = item.attrs.iter();
    let attribute = attributes.find(|attribute| attribute.path().is_ident("from_test"))?;
    match attribute.meta.require_list() {
        Ok(list) => args::only_crate(list.tokens.clone(), "from_test", errors),
        Err(error) => {
            errors.push(error);
            None
        }
    }
}

fn is_not_generic(item: &DeriveInput, errors: &mut Errors) {
    if item.generics.lt_token.is_some() {
        let name = &item.ident;
        let written = as_written(&item.generics);
        let problem =
            format!("`#[derive(FromTest)]` does not support generics, as in `{name}{written}`");
        let help = format!("remove `{written}`, or write `impl FromTest for {name}<…>`");
        errors.add(&item.generics, problem, help);
    }
}

fn refuse(item: &DeriveInput, what: &str, word: impl ToTokens, mut errors: Errors) -> TokenStream {
    let problem = format!("`#[derive(FromTest)]` supports only structs, and this is {what}");
    let help = format!("write `impl FromTest for {}`", item.ident);
    errors.add(word, problem, help);
    errors.into_token_stream()
}

fn expand(item: &DeriveInput, fields: &Fields, db_test: &CratePath) -> TokenStream {
    let name = &item.ident;
    let ours = Span::mixed_site();
    let values = fields.members().zip(fields).map(|(member, field)| {
        let label = Literal::string(&member.to_token_stream().to_string());
        // Compiler errors about the value point at the field's type.
        let value = quote_spanned!(ours.located_at(field.ty.span())=> cx.field(#label).await?);
        match fields {
            Fields::Named(_) => quote_spanned!(ours=> #member: #value),
            _ => value,
        }
    });
    let value = match fields {
        Fields::Named(_) => quote_spanned!(ours=> Self { #(#values),* }),
        Fields::Unnamed(_) => quote_spanned!(ours=> Self(#(#values),*)),
        Fields::Unit => quote_spanned!(ours=> Self),
    };
    quote_spanned! {ours=>
        #[automatically_derived]
        #[allow(unused_variables, clippy::unused_async)]
        impl #db_test::macro_support::FromTest for #name {
            async fn from_test(
                cx: &#db_test::macro_support::TestContext,
            ) -> ::core::result::Result<Self, #db_test::macro_support::BoxError> {
                ::core::result::Result::Ok(#value)
            }
        }
    }
}
