//! A test function, and what the stages of `#[db_test]` need to know about it.

use syn::{Attribute, FnArg, PatType, ReturnType, Type};

use crate::function::Function;
use crate::{fragment, rstest};

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

    /// Whether rstest makes a test of each case, so that this function itself is not a test.
    pub(crate) fn is_under_rstest(&self) -> bool {
        rstest::attribute(&self.0).is_some()
    }

    /// The attribute `#[should_panic]`, in any of its forms.
    pub(crate) fn should_panic(&self) -> Option<&Attribute> {
        let mut attributes = self.0.attributes.iter();
        attributes.find(|attribute| attribute.path().is_ident("should_panic"))
    }
}

/// Whether the last word of an attribute says that it makes a test of its function, as in
/// `#[tokio::test]`.
pub(crate) fn is_test_attribute(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| last.ident == "test" || last.ident == "db_test")
}
