//! What `#[db_test]` generates: one call into the runtime, where everything else is ordinary code.
//!
//! From
//!
//! ```text
//! /// Doc.
//! #[db_test(timeout = "5s")]
//! async fn creates_a_user(client: Client) { BODY }
//! ```
//!
//! it makes
//!
//! ```text
//! /// Doc.
//! #[::core::prelude::v1::test]
//! fn creates_a_user() {
//!     #[allow(clippy::unused_async)]
//!     async fn creates_a_user(client: Client) { BODY }
//!     ::db_test::macro_support::run(
//!         const {
//!             &::db_test::macro_support::Test::new(
//!                 ::core::concat!(::core::module_path!(), "::creates_a_user"),
//!                 ::core::env!("CARGO_MANIFEST_DIR"),
//!             )
//!             .timeout(::core::time::Duration::from_millis(5000))
//!         },
//!         (::db_test::macro_support::argument(),),
//!         |arguments| ::db_test::macro_support::Box::pin(creates_a_user(arguments.0)),
//!     )
//! }
//! #[cfg(not(test))]
//! const _: fn() = || {
//!     ::db_test::macro_support::argument::<Client>();
//! };
//! ```
//!
//! The test has no item but the user's function, because items in a block are not hygienic: a
//! `static` next to it would hide the user's item of that name from `BODY`. Every generated token
//! has the span [`Span::mixed_site`], which keeps `arguments` apart from a function of that name.
//!
//! The lint is allowed because a test is `async` even if its body waits for nothing.

use std::path::Path;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::args::{Fixture, Flavor, Isolation, Limit, Options};
use crate::crate_path::CratePath;
use crate::function::Function;
use crate::test_fn::TestFn;

/// The test that calls the user's function, and the check of its arguments.
pub(crate) fn test(test: &TestFn, options: &Options, db_test: &CratePath) -> TokenStream {
    let Function {
        attributes,
        visibility,
        signature,
        body,
    } = &test.0;
    let ours = Span::mixed_site();
    let name = &signature.ident;
    let description = description(test, options, db_test);
    let arguments = arguments(test, db_test);
    let made = if test.arguments().next().is_none() {
        quote_spanned!(ours=> ())
    } else {
        quote_spanned!(ours=> arguments)
    };
    let call = call(test, db_test);
    let check = check(test, db_test);
    let (output, run) = match test.returned_type() {
        None => (quote!(), quote_spanned!(ours=> run)),
        Some(_) => (
            quote_spanned!(ours=> -> #db_test::macro_support::ExitCode),
            quote_spanned!(ours=> run_returning),
        ),
    };
    quote_spanned! {ours=>
        #(#attributes)*
        #[::core::prelude::v1::test]
        #visibility fn #name() #output {
            #[allow(clippy::unused_async)]
            #signature #body
            #db_test::macro_support::#run(
                const { &#description },
                (#(#arguments,)*),
                |#made| #call,
            )
        }
        #check
    }
}

/// The constant that describes the test to the runtime.
pub(crate) fn description(test: &TestFn, options: &Options, db_test: &CratePath) -> TokenStream {
    let ours = Span::mixed_site();
    let path = Literal::string(&format!("::{}", test.0.signature.ident));
    let migrations = has_migrations().then(|| quote_spanned!(ours=> .migrations()));
    let stated_migrations = options.migrations.iter();
    let session = options.session.iter();
    let overrides = options.overrides.iter();
    let isolation = options.isolation.map(|isolation| match isolation {
        Isolation::Transaction => quote_spanned!(ours=> .in_transaction()),
        Isolation::Database => quote_spanned!(ours=> .own_database()),
        Isolation::Memory => quote_spanned!(ours=> .in_memory()),
    });
    let flavor = options.flavor.map(|flavor| match flavor {
        Flavor::MultiThread => quote_spanned!(ours=> .multi_thread()),
        Flavor::CurrentThread => quote_spanned!(ours=> .current_thread()),
    });
    let start_paused = matches!(options.start_paused, Some((true, _)))
        .then(|| quote_spanned!(ours=> .start_paused()));
    let timeout = options.timeout.iter().map(limit);
    let fixtures = fixtures(options);
    let max_queries = options.max_queries.iter();
    let max_per_request = options.max_queries_per_request.iter();
    let should_panic = test
        .should_panic()
        .map(|_| quote_spanned!(ours=> .should_panic()));
    quote_spanned! {ours=>
        #db_test::macro_support::Test::new(
            ::core::concat!(::core::module_path!(), #path),
            ::core::env!("CARGO_MANIFEST_DIR"),
        )
        #migrations
        #(#stated_migrations)*
        #(.session(#session))*
        #(.overrides(#overrides))*
        #(.timeout(#timeout))*
        #isolation
        #flavor
        #start_paused
        #fixtures
        #(.max_queries(#max_queries))*
        #(.max_queries_per_request(#max_per_request))*
        #should_panic
    }
}

fn limit(limit: &Limit) -> TokenStream {
    match limit {
        Limit::Constant(limit) => limit.clone(),
        Limit::Milliseconds(limit) => {
            let limit = Literal::u64_unsuffixed(*limit);
            quote_spanned!(Span::mixed_site()=> ::core::time::Duration::from_millis(#limit))
        }
    }
}

/// Whether the crate that is being compiled has a `migrations/`, which must not be missing when its
/// tests run.
fn has_migrations() -> bool {
    let directory = std::env::var_os("CARGO_MANIFEST_DIR");
    directory.is_some_and(|directory| Path::new(&directory).join("migrations").is_dir())
}

/// The scripts to run before the test, embedded so that a change of one rebuilds the test.
fn fixtures(options: &Options) -> Option<TokenStream> {
    let ours = Span::mixed_site();
    let scripts = options.fixtures.iter().map(|Fixture { path }| {
        // Compiler errors about the file point at its name.
        quote_spanned!(at(path)=> (#path, ::core::include_str!(#path)))
    });
    (!options.fixtures.is_empty())
        .then(|| quote_spanned!(ours=> .fixtures(::core::file!(), &[#(#scripts),*])))
}

/// Makes the arguments of the user's function, from which their types are inferred.
///
/// With the types named here as well, the compiler would report a misspelled one twice.
fn arguments(test: &TestFn, db_test: &CratePath) -> impl Iterator<Item = TokenStream> {
    let types = test.arguments().map(|argument| &argument.ty);
    types.map(move |ty| {
        let db_test = db_test.at(ty.span());
        quote_spanned!(at(ty)=> #db_test::macro_support::argument())
    })
}

/// The call of the user's function.
fn call(test: &TestFn, db_test: &CratePath) -> TokenStream {
    let name = &test.0.signature.ident;
    let arguments = test.arguments().enumerate().map(|(index, argument)| {
        let index = Literal::usize_unsuffixed(index);
        quote_spanned!(at(&argument.ty)=> arguments.#index)
    });
    let call = quote_spanned!(Span::mixed_site()=> #name(#(#arguments),*));
    match test.returned_type() {
        None => quote_spanned!(Span::mixed_site()=> #db_test::macro_support::Box::pin(#call)),
        Some(returned) => {
            let db_test = db_test.at(returned.span());
            quote_spanned! {at(returned)=>
                #db_test::macro_support::reported(#db_test::macro_support::Box::pin(#call))
            }
        }
    }
}

/// Reports an argument that cannot be injected where the test itself is not compiled.
fn check(test: &TestFn, db_test: &CratePath) -> Option<TokenStream> {
    test.arguments().next()?;
    let types = test.arguments().map(|argument| &argument.ty);
    Some(quote_spanned! {Span::mixed_site()=>
        #[cfg(not(test))]
        const _: fn() = || {
            #(#db_test::macro_support::argument::<#types>();)*
        };
    })
}

/// The span of generated code whose errors point at these tokens of the user.
fn at(tokens: &impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}
