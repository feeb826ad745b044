//! The attribute macros of [`db-test`](https://docs.rs/db-test), which re-exports them.
//!
//! Depend on `db-test`: what these macros generate names its module `macro_support`, and the two
//! crates are released together.
//!
//! Each macro goes through the same stages, with a file for each: its input is parsed (`args`,
//! `function`), checked (`validate`) and expanded (`expand`). If there are mistakes, all of them
//! are reported (`errors`) beside the user's own code (`fallback`). `compile` has these stages of
//! `#[db_test]` in order.

mod args;
mod compile;
mod crate_path;
mod errors;
mod expand;
mod fallback;
mod fragment;
mod from_test;
mod function;
mod overridable;
mod rstest;
mod session;
mod test_fn;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro::TokenStream;

/// Makes a test of an `async fn`, with its own sandbox on a real database.
///
/// What a test may take is decided by type: each argument is anything that implements `FromTest`,
/// such as `Client`, `Router`, `PgPool` or `TestContext`. It may return what any test may: nothing,
/// a `Result<(), E>`, or another `Termination`. Its other attributes (`#[ignore]`,
/// `#[should_panic]`, `#[allow]`, documentation) and its visibility are kept.
///
/// ```text
/// #[db_test(timeout = "5s")]
/// async fn creates_a_user(client: Client) {
///     let response = client.post("/users").json(&json!({ "name": "Ada" })).await;
///     response.assert_status(StatusCode::CREATED);
/// }
/// ```
///
/// # Options
///
/// | option | value | without it |
/// | --- | --- | --- |
/// | `isolation = "database"` | `"transaction"`, or `"database"` for one of the test's own; on SQLite `"database"` or `"memory"` | the session's: `"transaction"` |
/// | `flavor = "current_thread"` | `"multi_thread"` for the shared runtime, or `"current_thread"` for one of the test's own, which ends with it | the session's: `"multi_thread"` |
/// | `start_paused = true` | with `flavor = "current_thread"`: the clock of tokio stands still from the start | `false` |
/// | `migrations = "dir"`, `migrator = "path"` | as in `#[sqlx::test]`, also `migrations = false`: the migrations of tests without a session; with one, compared with its own | `migrations/` |
/// | `timeout = "5s"` | a whole number above zero with a unit: `ms`, `s` or `m`; or a constant `Duration` | the session's limit |
/// | `overrides = path` | the path of a `fn(&Overrides)` | the session's overrides alone |
/// | `session = path` | the path of a `fn() -> Session` | the function marked `#[db_test::session]` |
/// | `fixtures("users")` | scripts to run first, in this order; may be given several times | none |
/// | `max_queries = 7` | the most statements that the test and its application may send, a number or a constant `usize` | no limit |
/// | `max_queries_per_request = 3` | likewise, the most that one request may cause, tasks that it spawns included | no limit |
/// | `crate = path` | the path of this crate, where another one re-exports it: `crate = support::db_test` | the name that `Cargo.toml` gives it |
///
/// A constant is an expression such as `LIMIT`, `limits::REQUEST * 2` or `Duration::from_secs(5)`.
/// Each value may be a fragment of a `macro_rules!`: `$limit:literal`, `$limit:expr`,
/// `$session:path`.
///
/// # Fixtures
///
/// A fixture is a file of SQL that runs in the test's own database before its arguments are made.
/// `fixtures("users", "posts")` are `fixtures/users.sql` and `fixtures/posts.sql` beside the source
/// file; a name with a `/` is a path from the directory of the source file; and
/// `fixtures(path = "../sql", scripts("users", "posts"))` are scripts in another directory.
///
/// # With other test attributes
///
/// Another attribute that makes a test (`#[tokio::test]`, `#[sqlx::test]`) has to go. `#[rstest]`
/// may stand on either side. Below this attribute, what has none of rstest's attributes is
/// injected, and rstest's own fixtures are written `#[from(name)]`. Above it, rstest looks for an
/// attribute whose last word is `test`, so this one is written `#[db_test::test]`, which is the
/// same, and `#[ignore]` stands in front of each argument that is to be injected.
///
/// # Errors
///
/// All mistakes are reported at once. They are: a function that is not `async`; one that is
/// `const`, `unsafe`, `extern`, generic or variadic; `self`, a reference or an `impl Trait` as an
/// argument; an argument whose type is not `FromTest`; another test attribute; `#[should_panic]` on
/// a test that returns a value; something that is not a function; an option that is unknown, given
/// twice or not of the form above.
#[proc_macro_attribute]
pub fn db_test(options: TokenStream, item: TokenStream) -> TokenStream {
    compile::test(options.into(), &item.into()).into()
}

/// Makes a struct an argument of tests: each of its fields is made as an argument of its type.
///
/// The fields are made in the order in which they stand. Use it on a struct with named fields or a
/// tuple struct; for anything that is more than its parts, write `impl FromTest`. Where another
/// crate re-exports this one, `#[from_test(crate = support::db_test)]` on the struct says so.
///
/// ```text
/// #[derive(FromTest)]
/// struct Shop {
///     client: Client,
///     owner: Ada,
/// }
/// ```
///
/// # Errors
///
/// An enum, a union or a generic struct; a field whose type is not `FromTest`.
#[proc_macro_derive(FromTest, attributes(from_test))]
pub fn from_test(item: TokenStream) -> TokenStream {
    from_test::compile(item.into()).into()
}

/// Marks the function that says what a session is: its migrations, seed, application, overrides.
///
/// Use it once in a test binary, on a function without arguments that returns a `Session`. The
/// function is registered before `main`.
///
/// ```text
/// #[db_test::session]
/// fn session() -> Session {
///     Session::postgres().migrations(sqlx::migrate!()).app(|cx| my_app::router(cx.pool()))
/// }
/// ```
///
/// To run before `main` takes a linker section, which `#![forbid(unsafe_code)]` rules out
/// (`#![deny(unsafe_code)]` does not). There, name the function in each test instead:
/// `#[db_test(session = path)]`.
///
/// # Errors
///
/// The only option is `crate = path`. The function cannot be `async`, `unsafe`, `extern` or
/// generic, take an argument, or return nothing.
#[proc_macro_attribute]
pub fn session(options: TokenStream, item: TokenStream) -> TokenStream {
    session::compile(options.into(), &item.into()).into()
}

/// Lets tests replace what an extractor of the application extracts.
///
/// Use it on the application's `impl FromRequestParts<S> for T`. For a request to which a test has
/// attached a `T`, or a rejection in its place, the extractor gives that; for every other request
/// it does what is written. In a release build that is one look-up among the request's extensions,
/// where a remote caller has no way to put anything.
///
/// ```text
/// #[db_test::overridable]
/// impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
///     type Rejection = AuthError;
///
///     async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
///         Cookies::of(&parts.headers).user().ok_or(AuthError)
///     }
/// }
/// ```
///
/// # Errors
///
/// The only option is `crate = path`. The implementation must write out the type `Rejection`, which
/// cannot depend on a generic state, and the method as an `async fn`. The extractor cannot have a
/// lifetime.
#[proc_macro_attribute]
pub fn overridable(options: TokenStream, item: TokenStream) -> TokenStream {
    overridable::compile(options.into(), &item.into()).into()
}
