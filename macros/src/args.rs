//! The options of `#[db_test(…)]`.

mod fixtures;
mod migrations;
mod value;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{ExprPath, Ident, Token};

use crate::errors::{Errors, mistake};
pub(crate) use fixtures::Fixture;
pub(crate) use value::Limit;
use value::Value;

/// Every option with an example of it, as the messages quote them.
const OPTIONS: [(&str, &str); 12] = [
    ("isolation", "isolation = \"database\""),
    ("flavor", "flavor = \"current_thread\""),
    ("start_paused", "start_paused = true"),
    ("timeout", "timeout = \"5s\""),
    ("overrides", "overrides = path::to::function"),
    ("session", "session = path::to::function"),
    ("fixtures", "fixtures(\"users\")"),
    ("migrations", "migrations = \"migrations\""),
    ("migrator", "migrator = \"path::TO_MIGRATOR\""),
    ("max_queries", "max_queries = 7"),
    ("max_queries_per_request", "max_queries_per_request = 3"),
    ("crate", "crate = path::to::db_test"),
];

/// How a test is isolated from the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    Transaction,
    Database,
    Memory,
}

/// The runtime that a test runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
}

/// The options that were given.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) isolation: Option<Isolation>,
    pub(crate) flavor: Option<Flavor>,
    /// Whether the clock stands still at the start, with the key of the option for errors.
    pub(crate) start_paused: Option<(bool, Ident)>,
    /// The call that passes the test's migrations to the runtime.
    pub(crate) migrations: Option<TokenStream>,
    pub(crate) timeout: Option<Limit>,
    pub(crate) overrides: Option<ExprPath>,
    pub(crate) session: Option<ExprPath>,
    /// In the order in which they run.
    pub(crate) fixtures: Vec<Fixture>,
    /// An expression of type `usize`.
    pub(crate) max_queries: Option<TokenStream>,
    pub(crate) max_queries_per_request: Option<TokenStream>,
    pub(crate) crate_path: Option<ExprPath>,
}

impl Options {
    /// Parses the tokens between the parentheses. A bad option is reported and skipped.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let every_option = |input: ParseStream| {
            while !input.is_empty() {
                if let Err(error) = options.parse_one(input) {
                    errors.push(error);
                    skip_to_comma(input)?;
                }
                input.parse::<Option<Token![,]>>()?;
            }
            Ok(())
        };
        if let Err(error) = every_option.parse2(tokens) {
            errors.push(error);
        }
        options.pauses_its_own_clock(errors);
        options
    }

    /// All other tests use the clock of the shared runtime.
    fn pauses_its_own_clock(&self, errors: &mut Errors) {
        if let Some((true, key)) = &self.start_paused
            && self.flavor != Some(Flavor::CurrentThread)
        {
            errors.add(
                key,
                "`start_paused` needs a runtime of the test's own",
                "write `flavor = \"current_thread\", start_paused = true`",
            );
        }
    }

    fn parse_one(&mut self, input: ParseStream) -> syn::Result<()> {
        let key = parse_key(input)?;
        let value = || parse_value(input, &key);
        match key.to_string().as_str() {
            "isolation" => set(
                &mut self.isolation,
                &key,
                value::isolation(&value()?.expression)?,
            )?,
            "flavor" => set(&mut self.flavor, &key, value::flavor(&value()?.expression)?)?,
            "start_paused" => {
                let paused = value::yes_or_no(&value()?.expression, &key)?;
                set(&mut self.start_paused, &key, (paused, key.clone()))?;
            }
            "timeout" => set(&mut self.timeout, &key, value::limit(value()?)?)?,
            "overrides" => set(
                &mut self.overrides,
                &key,
                value::path(&value()?.expression, &key)?,
            )?,
            "session" => set(
                &mut self.session,
                &key,
                value::path(&value()?.expression, &key)?,
            )?,
            "fixtures" => fixtures::parse(input, &key, &mut self.fixtures)?,
            "max_queries" => set(&mut self.max_queries, &key, value::count(value()?, &key)?)?,
            "max_queries_per_request" => set(
                &mut self.max_queries_per_request,
                &key,
                value::count(value()?, &key)?,
            )?,
            "crate" => set(
                &mut self.crate_path,
                &key,
                value::path(&value()?.expression, &key)?,
            )?,
            "migrations" | "migrator" => {
                let migrations = migrations::parse(&key, &value()?.expression)?;
                set(&mut self.migrations, &key, migrations)?;
            }
            _ => return Err(unknown(&key)),
        }
        expect_comma(input)
    }
}

/// Reads `crate = path` for an attribute that has no other option, written as in `form`.
pub(crate) fn only_crate(tokens: TokenStream, form: &str, errors: &mut Errors) -> Option<ExprPath> {
    let mut path = None;
    let every_option = |input: ParseStream| {
        while !input.is_empty() {
            let key = parse_key(input)?;
            if key != "crate" {
                let problem = format!("`#[{form}]` has no option `{key}`");
                let help = "its only option is `crate = path::to::db_test`";
                return Err(mistake(key, problem, help));
            }
            let value = parse_value(input, &key)?;
            set(&mut path, &key, value::path(&value.expression, &key)?)?;
            expect_comma(input)?;
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    if let Err(error) = every_option.parse2(tokens) {
        errors.push(error);
    }
    path
}

fn parse_key(input: ParseStream) -> syn::Result<Ident> {
    if input.peek(Ident::peek_any) {
        return input.call(Ident::parse_any);
    }
    let found: TokenTree = input.parse()?;
    let problem = format!("expected an option, found `{found}`");
    Err(mistake(found, problem, list_of_options()))
}

fn parse_value(input: ParseStream, key: &Ident) -> syn::Result<Value> {
    if input.parse::<Option<Token![=]>>()?.is_none() || input.is_empty() || input.peek(Token![,]) {
        let problem = format!("`{key}` needs `=` and a value");
        return Err(mistake(key, problem, write_example(key)));
    }
    input.parse()
}

fn set<T>(option: &mut Option<T>, key: &Ident, value: T) -> syn::Result<()> {
    if option.replace(value).is_some() {
        let problem = format!("`{key}` is given twice");
        return Err(mistake(key, problem, format!("remove one `{key}`")));
    }
    Ok(())
}

fn expect_comma(input: ParseStream) -> syn::Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    let found: TokenTree = input.parse()?;
    let problem = format!("expected a comma before `{found}`");
    let help = format!("write `, {found}`");
    Err(mistake(found, problem, help))
}

fn skip_to_comma(input: ParseStream) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn unknown(key: &Ident) -> syn::Error {
    let problem = match nearest_option(&key.to_string()) {
        Some(option) => format!("unknown option `{key}`, did you mean `{option}`?"),
        None => format!("unknown option `{key}`"),
    };
    mistake(key, problem, list_of_options())
}

/// The option that a word may be a misspelling of: one that shares half of its letters, or more.
fn nearest_option(word: &str) -> Option<&'static str> {
    let distances = OPTIONS.map(|(name, _)| (strsim::damerau_levenshtein(name, word), name));
    let (distance, name) = distances.into_iter().min()?;
    (distance * 2 <= name.len()).then_some(name)
}

fn list_of_options() -> String {
    let examples = OPTIONS.map(|(_, example)| format!("`{example}`"));
    format!("the options are {}", examples.join(", "))
}

fn write_example(key: &Ident) -> String {
    let example = OPTIONS.iter().find(|(name, _)| key == name);
    example.map_or_else(list_of_options, |(_, example)| format!("write `{example}`"))
}
