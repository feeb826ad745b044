//! The rules for functions, one function a rule, in the order in which their subjects stand in the
//! source.

use syn::{FnArg, PatType, ReturnType, Safety, Signature, Type, TypePath};

use crate::errors::{Errors, as_written};
use crate::fragment;
use crate::function::Function;
use crate::rstest;
use crate::test_fn::{TestFn, is_test_attribute};

/// The longest tuple of arguments in `runtime/src/test/arguments.rs`.
const MOST_ARGUMENTS: usize = 12;

/// Checks a function under `#[db_test]`.
pub(crate) fn test(test: &TestFn, errors: &mut Errors) {
    let signature = &test.0.signature;
    is_the_only_test_attribute(&test.0, errors);
    panics_or_returns(test, errors);
    is_not_const(signature, errors);
    is_async(signature, errors);
    is_safe(signature, errors);
    is_of_the_rust_abi(signature, errors);
    if test.is_under_rstest() {
        // The arguments that come from rstest may be borrowed or generic.
        rstest::validate(&test.0, errors);
        rstest::injected(&test.0).for_each(|argument| names_an_owned_type(argument, errors));
        return;
    }
    is_not_generic(signature, errors);
    takes_owned_arguments(signature, errors);
    takes_not_too_many(signature, errors);
    is_not_variadic(signature, errors);
    has_no_where_clause(signature, errors);
}

/// Checks a function under `#[db_test::session]`.
pub(crate) fn session(function: &Function, errors: &mut Errors) {
    let signature = &function.signature;
    is_not_async(signature, errors);
    is_safe(signature, errors);
    is_of_the_rust_abi(signature, errors);
    is_not_generic(signature, errors);
    takes_no_arguments(signature, errors);
    is_not_variadic(signature, errors);
    returns_a_session(signature, errors);
    has_no_where_clause(signature, errors);
}

fn is_the_only_test_attribute(function: &Function, errors: &mut Errors) {
    for attribute in &function.attributes {
        if !is_test_attribute(attribute) {
            continue;
        }
        let help = format!("remove `#[{}]`", as_written(attribute.path()));
        errors.add(
            attribute,
            "`#[db_test]` already makes a test of this function",
            help,
        );
    }
}

/// The compiler has the same rule for `#[test]`, but points at generated code.
fn panics_or_returns(test: &TestFn, errors: &mut Errors) {
    if let (Some(attribute), Some(returned)) = (test.should_panic(), test.returned_type()) {
        let help = format!("remove `-> {}`", as_written(returned));
        errors.add(
            attribute,
            "a test that should panic cannot return a value",
            help,
        );
    }
}

fn is_not_const(signature: &Signature, errors: &mut Errors) {
    if let Some(keyword) = &signature.constness {
        errors.add(keyword, "a test cannot be `const`", "remove `const`");
    }
}

fn is_async(signature: &Signature, errors: &mut Errors) {
    if signature.asyncness.is_none() {
        let name = &signature.ident;
        let problem = format!("`{name}` is not async");
        errors.add(
            signature.fn_token,
            problem,
            format!("write `async fn {name}`"),
        );
    }
}

fn is_not_async(signature: &Signature, errors: &mut Errors) {
    if let Some(keyword) = &signature.asyncness {
        let problem = "a session function must be synchronous";
        let help = "remove `async`, and wait in `.seed(…)` or `.app(|cx| async move { … })`";
        errors.add(keyword, problem, help);
    }
}

fn is_safe(signature: &Signature, errors: &mut Errors) {
    if let Safety::Unsafe(keyword) = &signature.safety {
        let problem = format!(
            "db-test calls `{}`, which cannot be `unsafe`",
            signature.ident
        );
        errors.add(keyword, problem, "remove `unsafe`");
    }
}

fn is_of_the_rust_abi(signature: &Signature, errors: &mut Errors) {
    if let Some(abi) = &signature.abi {
        let written = as_written(abi);
        let problem = format!(
            "db-test calls `{}`, which cannot be `{written}`",
            signature.ident
        );
        errors.add(abi, problem, format!("remove `{written}`"));
    }
}

fn is_not_generic(signature: &Signature, errors: &mut Errors) {
    if signature.generics.lt_token.is_some() {
        let written = as_written(&signature.generics);
        let problem = format!(
            "db-test calls `{}`, which cannot be generic",
            signature.ident
        );
        let help = format!("remove `{written}`, and write the types themselves");
        errors.add(&signature.generics, problem, help);
    }
}

fn takes_owned_arguments(signature: &Signature, errors: &mut Errors) {
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let help = format!("move `{}` out of the `impl`", signature.ident);
                errors.add(receiver, "a test has no `self`", help);
            }
            FnArg::Typed(argument) => names_an_owned_type(argument, errors),
        }
    }
}

fn takes_not_too_many(signature: &Signature, errors: &mut Errors) {
    if let Some(argument) = signature.inputs.iter().nth(MOST_ARGUMENTS) {
        errors.add(
            argument,
            format!("a test takes at most {MOST_ARGUMENTS} arguments"),
            "put some into a struct with `#[derive(FromTest)]`, and take that",
        );
    }
}

/// The argument to write instead of one whose type cannot be owned.
const OWN: &str = "a type of your own that implements `FromTest`";

fn is(path: &TypePath, name: &str) -> bool {
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == name)
}

/// An argument is injected by its type, which must be owned and written out.
fn names_an_owned_type(argument: &PatType, errors: &mut Errors) {
    let pattern = as_written(&argument.pat);
    let pattern = pattern.trim_start_matches("mut ");
    match fragment::type_of(&argument.ty) {
        Type::Reference(reference) => {
            let owned = as_written(&reference.elem);
            let mutable = reference.mutability.map_or("", |_| "mut ");
            let problem = format!("a test owns its arguments, it cannot borrow `{owned}`");
            let help = match &*reference.elem {
                Type::Path(path) if is(path, "str") => {
                    format!("write `{pattern}: Argument`, {OWN}")
                }
                Type::Path(path) if is(path, "PgConnection") => {
                    format!("write `mut {pattern}: sqlx::pool::PoolConnection<sqlx::Postgres>`")
                }
                Type::Path(path) if is(path, "Transaction") => {
                    "write `pool: sqlx::PgPool`, and `pool.begin().await` in the test".to_owned()
                }
                Type::Slice(_) | Type::TraitObject(_) => {
                    format!("write `{pattern}: Argument`, {OWN}")
                }
                _ => format!("write `{mutable}{pattern}: {owned}`"),
            };
            errors.add(reference, problem, help);
        }
        ty @ Type::ImplTrait(_) => {
            let problem = format!("`{}` does not say what to inject", as_written(ty));
            errors.add(ty, problem, format!("write a type: `{pattern}: Client`"));
        }
        _ => {}
    }
}

fn takes_no_arguments(signature: &Signature, errors: &mut Errors) {
    if !signature.inputs.is_empty() {
        let name = &signature.ident;
        let problem = format!("`{name}` must take no arguments, as a session function");
        errors.add(
            &signature.inputs,
            problem,
            format!("write `fn {name}() -> Session`"),
        );
    }
}

fn is_not_variadic(signature: &Signature, errors: &mut Errors) {
    if let Some(variadic) = &signature.variadic {
        let problem = format!(
            "db-test calls `{}`, which cannot be variadic",
            signature.ident
        );
        errors.add(
            variadic,
            problem,
            format!("remove `{}`", as_written(variadic)),
        );
    }
}

fn returns_a_session(signature: &Signature, errors: &mut Errors) {
    if matches!(signature.output, ReturnType::Default) {
        let name = &signature.ident;
        let problem = format!("`{name}` returns no session");
        errors.add(name, problem, format!("write `fn {name}() -> Session`"));
    }
}

fn has_no_where_clause(signature: &Signature, errors: &mut Errors) {
    if let Some(clause) = &signature.generics.where_clause {
        let problem = format!("`{}` has no generic types to constrain", signature.ident);
        errors.add(clause, problem, "remove the `where` clause");
    }
}
