//! The rules for an overridable extractor, one function a rule.

use super::extractor::{Extractor, mentions};
use crate::errors::{Errors, as_written};

/// Checks an implementation under `#[overridable]`.
pub(super) fn extractor(extractor: &Extractor, errors: &mut Errors) {
    if implements_the_trait(extractor, errors) {
        has_no_lifetime(extractor, errors);
        has_a_rejection(extractor, errors);
        rejects_without_the_state(extractor, errors);
        has_the_method(extractor, errors);
        is_async(extractor, errors);
    }
}

/// Returns whether the other rules apply.
fn implements_the_trait(extractor: &Extractor, errors: &mut Errors) -> bool {
    let ty = &extractor.rest.self_ty;
    let help = format!("write `impl FromRequestParts<…> for {}`", as_written(ty));
    let Some((path, _)) = &extractor.rest.trait_ else {
        errors.add(ty, "`#[overridable]` goes on an extractor", help);
        return false;
    };
    let last = path.segments.last();
    let found = last.is_some_and(|segment| segment.ident == "FromRequestParts");
    if !found {
        let problem = format!(
            "`#[overridable]` supports only `FromRequestParts`, not `{}`",
            as_written(path)
        );
        errors.add(path, problem, help);
    }
    found
}

fn has_no_lifetime(extractor: &Extractor, errors: &mut Errors) {
    for parameter in extractor.rest.generics.lifetimes() {
        let lifetime = &parameter.lifetime;
        let problem =
            format!("an override owns its value, which cannot have the lifetime `{lifetime}`");
        errors.add(
            parameter,
            problem,
            format!("remove `{lifetime}` here, and write `'static` where it is used"),
        );
    }
}

fn has_a_rejection(extractor: &Extractor, errors: &mut Errors) {
    if extractor.rejections().next().is_none() {
        let problem = "`type Rejection` is missing";
        errors.add(
            &extractor.rest.self_ty,
            problem,
            "write `type Rejection = …;`",
        );
    }
}

fn rejects_without_the_state(extractor: &Extractor, errors: &mut Errors) {
    let state = extractor.state_parameters();
    for rejection in extractor
        .rejections()
        .filter(|rejection| mentions(&rejection.ty, &state))
    {
        let written = as_written(&rejection.ty);
        let problem =
            format!("a test cannot set the rejection `{written}`, which depends on the state");
        let help = "write another type: `type Rejection = …;`";
        errors.add(&rejection.ty, problem, help);
    }
}

fn has_the_method(extractor: &Extractor, errors: &mut Errors) {
    if extractor.methods.is_empty() {
        let problem = "the method `from_request_parts` is missing";
        let help = "write `async fn from_request_parts(…) -> Result<Self, Self::Rejection> { … }`";
        errors.add(&extractor.rest.self_ty, problem, help);
    }
}

fn is_async(extractor: &Extractor, errors: &mut Errors) {
    for method in &extractor.methods {
        if method.signature.asyncness.is_none() {
            let problem =
                "`from_request_parts` must be an `async fn`, since an override may be async";
            let help = "write `async fn from_request_parts(…) -> Result<Self, Self::Rejection>`";
            errors.add(method.signature.fn_token, problem, help);
        }
    }
}
