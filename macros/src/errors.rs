//! Mistakes are collected, so that one build shows all of them.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far, in the order of the source.
#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Adds a mistake of the form that [`mistake`] describes.
    pub(crate) fn add(&mut self, at: impl ToTokens, problem: impl Display, help: impl Display) {
        self.push(mistake(at, problem, help));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().map(syn::Error::to_compile_error));
    }
}

/// One mistake: the smallest tokens to change, what is wrong with them, and what to type instead.
pub(crate) fn mistake(at: impl ToTokens, problem: impl Display, help: impl Display) -> syn::Error {
    syn::Error::new_spanned(at, format!("{problem}\n{help}"))
}

/// Tokens as rustfmt writes them: `Result<(), sqlx::Error>`, not `Result < () , sqlx :: Error >`.
pub(crate) fn as_written(tokens: impl ToTokens) -> String {
    let mut text = tokens.into_token_stream().to_string();
    for spaced in [" ::", ":: ", " <", "< ", " >", " ,", " :", "& ", "# "] {
        text = text.replace(spaced, spaced.trim());
    }
    text
}
