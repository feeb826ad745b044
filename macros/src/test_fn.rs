//! What a test function is: the stages of `#[db_test]`, and the questions they ask about it.

use proc_macro2::TokenStream;
use syn::{Attribute, FnArg, PatType, ReturnType, Type};

use crate::args::Options;
use crate::crate_path::CratePath;
use crate::errors::Errors;
use crate::function::Function;
use crate::{expand, fallback, fragment, rstest, validate};

/// Turns the options and the item of `#[db_test]` into a test, or into their mistakes.
pub(crate) fn compile(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let written = options.clone();
    let options = Options::parse(options, &mut errors);
    let test = match syn::parse2(fragment::tokens(item.clone())) {
        Ok(function) => TestFn(function),
        Err(error) => {
            errors.push(error);
            return fallback::item(item, &errors);
        }
    };
    validate::test(&test, &mut errors);
    let db_test = CratePath::find(options.crate_path.as_ref(), &mut errors);
    if !errors.is_empty() {
        fallback::test(test, &errors)
    } else if test.is_under_rstest() {
        rstest::expand(test.0, &fragment::parenthesized(written), &db_test)
    } else {
        expand::test(&test, &options, &db_test)
    }
}

/// A function under `#[db_test]`.
pub(crate) struct TestFn(pub(crate) Function);

impl TestFn {
    /// The arguments to inject, in order.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &PatType> {
        let inputs = self.0.signature.inputs.iter();
        inputs.filter_map(|input| match input {
            FnArg::Typed(argument) => Some(argument),
            FnArg::Receiver(_) => None,
        })
    }

    /// The type after `->`, unless that is `()`.
    pub(crate) fn returned_type(&self) -> Option<&Type> {
        match &self.0.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => match fragment::type_of(ty) {
                Type::Tuple(tuple) if tuple.elems.is_empty() => None,
                ty => Some(ty),
            },
        }
    }

    /// Whether rstest makes a test of each case, and this function is none by itself.
    pub(crate) fn is_under_rstest(&self) -> bool {
        rstest::attribute(&self.0).is_some()
    }

    /// The attribute `#[should_panic]`, in any of its forms.
    pub(crate) fn should_panic(&self) -> Option<&Attribute> {
        let mut attributes = self.0.attributes.iter();
        attributes.find(|attribute| attribute.path().is_ident("should_panic"))
    }
}

/// Whether an attribute makes a test of its function, such as `#[tokio::test]`, by its last word.
pub(crate) fn is_test_attribute(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| last.ident == "test" || last.ident == "db_test")
}
