//! The output if there are mistakes: the user's own code and the errors.
//!
//! The code is kept so that the compiler does not go on to report unused imports or missing
//! items, and so that an editor keeps working on it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Token;

use crate::errors::Errors;
use crate::rstest;
use crate::test_fn::{TestFn, is_test_attribute};

/// The item as it was, and the errors.
pub(crate) fn item(item: &TokenStream, errors: &Errors) -> TokenStream {
    quote!(#item #errors)
}

/// The test as it was probably meant, and the errors.
///
/// It is corrected where the compiler would report the same mistake again, or its consequences,
/// such as every `.await` in a function that lacks `async`.
pub(crate) fn test(test: TestFn, errors: &Errors) -> TokenStream {
    let TestFn(mut function) = test;
    if rstest::attribute(&function).is_some() {
        rstest::remove_attributes(&mut function);
    }
    function
        .attributes
        .retain(|attribute| !is_test_attribute(attribute));
    let signature = &mut function.signature;
    signature.constness = None;
    signature
        .asyncness
        .get_or_insert(Token![async](Span::call_site()));
    signature.variadic = None;
    quote!(#function #errors)
}
