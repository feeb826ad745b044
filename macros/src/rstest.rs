//! `#[db_test]` above `#[rstest]`: the two change places.
//!
//! From
//!
//! ```text
//! #[db_test(timeout = "5s")]
//! #[rstest]
//! #[case(1)]
//! async fn sells(#[case] number: u8, client: Client) { BODY }
//! ```
//!
//! it makes
//!
//! ```text
//! #[rstest]
//! #[case(1)]
//! #[test_attr(::db_test::macro_support::db_test(timeout = "5s"))]
//! async fn sells(#[case] number: u8, #[ignore] client: Client) { BODY }
//! ```
//!
//! rstest makes a function of each case, whose arguments are those that it ignores, and puts the
//! attribute of `#[test_attr]` on it. An argument without an attribute is injected, as in every
//! other test. One of rstest's own fixtures needs an attribute, such as `#[from(name)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, FnArg, Meta, Pat, PatType, parse_quote};

use crate::crate_path::CratePath;
use crate::errors::{Errors, as_written};
use crate::function::Function;

/// Attributes that may stand on an injected argument.
const NEUTRAL: [&str; 4] = ["allow", "expect", "cfg", "cfg_attr"];

/// The compiler's own attributes on a test.
const KNOWN: [&str; 7] = [
    "allow",
    "expect",
    "cfg",
    "cfg_attr",
    "doc",
    "ignore",
    "should_panic",
];

/// The attribute `#[rstest]`, if there is one.
pub(crate) fn attribute(function: &Function) -> Option<&Attribute> {
    function.attributes.iter().find(|attribute| is(attribute))
}

/// Whether an attribute is `#[rstest]`, by its last word.
pub(crate) fn is(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| last.ident == "rstest")
}

/// The arguments that are injected, in contrast to those that come from rstest.
pub(crate) fn injected(function: &Function) -> impl Iterator<Item = &PatType> {
    let names = names_in(attribute(function));
    let inputs = function.signature.inputs.iter();
    inputs.filter_map(move |input| match input {
        FnArg::Typed(argument) => is_injected(argument, &names).then_some(argument),
        FnArg::Receiver(_) => None,
    })
}

/// Checks the rules that only hold together with rstest.
pub(crate) fn validate(function: &Function, errors: &mut Errors) {
    for attribute in &function.attributes {
        if attribute.path().is_ident("test_attr") {
            let problem = "`#[db_test]` above `#[rstest]` adds `#[test_attr]` itself";
            errors.add(attribute, problem, "remove this attribute");
        }
    }
    for argument in injected(function) {
        if !matches!(&*argument.pat, Pat::Ident(_)) {
            let problem = "rstest passes an argument by its name, and this pattern has none";
            let help = format!("write `argument: {}`", as_written(&argument.ty));
            errors.add(&argument.pat, problem, help);
        }
    }
}

/// Removes the attributes that only rstest understands.
pub(crate) fn remove_attributes(function: &mut Function) {
    let known = |attribute: &Attribute| KNOWN.iter().any(|name| attribute.path().is_ident(name));
    function.attributes.retain(known);
    for input in &mut function.signature.inputs {
        if let FnArg::Typed(argument) = input {
            argument.attrs.retain(is_neutral);
        }
    }
}

/// The function with `#[rstest]` above the attribute that makes the test.
pub(crate) fn expand(
    function: Function,
    options: &TokenStream,
    db_test: &CratePath,
) -> TokenStream {
    let names = names_in(attribute(&function));
    let Function {
        attributes,
        visibility,
        mut signature,
        body,
    } = function;
    let mut mutable = false;
    for input in &mut signature.inputs {
        if let FnArg::Typed(argument) = input
            && is_injected(argument, &names)
        {
            mutable |= matches!(&*argument.pat, Pat::Ident(name) if name.mutability.is_some());
            if !is_ignored(argument) {
                argument.attrs.push(parse_quote!(#[ignore]));
            }
        }
    }
    // The function that rstest makes of a case passes the argument on without changing it.
    let mutable = mutable.then(|| quote!(#[allow(unused_mut)]));
    let options = (!options.is_empty()).then(|| quote!((#options)));
    let attribute = quote_spanned!(Span::mixed_site()=> #db_test::macro_support::db_test);
    quote! {
        #(#attributes)*
        #mutable
        #[test_attr(#attribute #options)]
        #visibility #signature #body
    }
}

fn is_injected(argument: &PatType, names: &[String]) -> bool {
    let is_listed = names.contains(&argument.pat.to_token_stream().to_string());
    is_ignored(argument) || !is_listed && argument.attrs.iter().all(is_neutral)
}

fn is_neutral(attribute: &Attribute) -> bool {
    NEUTRAL.iter().any(|name| attribute.path().is_ident(name))
}

fn is_ignored(argument: &PatType) -> bool {
    let mut attributes = argument.attrs.iter();
    attributes.any(|attribute| attribute.path().is_ident("ignore"))
}

/// The arguments that rstest's own list names, as in `#[rstest(name, case("ada"))]`.
fn names_in(attribute: Option<&Attribute>) -> Vec<String> {
    let Some(Meta::List(list)) = attribute.map(|attribute| &attribute.meta) else {
        return Vec::new();
    };
    let tokens = list.tokens.clone().into_iter();
    let words = tokens.filter_map(|token| match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    });
    words.collect()
}
