//! The option `fixtures(…)`, with the path rules of `#[sqlx::test]`.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, Span, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Ident, LitStr, Token};

use super::{expect_comma, write_example};
use crate::errors::mistake;

/// A script to run before a test, by its path from the directory of the source file.
pub(crate) struct Fixture {
    pub(crate) path: LitStr,
}

/// Reads what follows the word `fixtures`, and adds the scripts to those of earlier options.
pub(super) fn parse(
    input: ParseStream,
    key: &Ident,
    fixtures: &mut Vec<Fixture>,
) -> syn::Result<()> {
    let list = parentheses(input, key)?;
    if list.stream().is_empty() {
        return Err(mistake(
            list,
            "`fixtures` names no script",
            write_example(key),
        ));
    }
    let every_script = |input: ParseStream| {
        while !input.is_empty() {
            parse_scripts(input, key, fixtures)?;
            expect_comma(input)?;
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    every_script.parse2(list.stream())
}

fn parentheses(input: ParseStream, key: &Ident) -> syn::Result<Group> {
    let is_list = input.fork().parse::<Group>();
    if is_list.is_ok_and(|group| group.delimiter() == Delimiter::Parenthesis) {
        return input.parse();
    }
    let problem = format!("`{key}` needs a list of scripts in parentheses");
    Err(mistake(key, problem, write_example(key)))
}

/// One name or path, or a directory with the names in it.
fn parse_scripts(input: ParseStream, key: &Ident, fixtures: &mut Vec<Fixture>) -> syn::Result<()> {
    if input.peek(LitStr) {
        let name: LitStr = input.parse()?;
        let path = match name.value() {
            path if Path::new(&path).components().count() > 1 => path,
            name => format!("fixtures/{}", with_extension(name)),
        };
        fixtures.push(found(name.span(), &path)?);
        return Ok(());
    }
    if input.peek(Ident) {
        let word: Ident = input.parse()?;
        if word == "path" && input.parse::<Option<Token![=]>>()?.is_some() && input.peek(LitStr) {
            let directory: LitStr = input.parse()?;
            for name in scripts_in(input, &directory)? {
                let path = format!("{}/{}", directory.value(), with_extension(name.value()));
                fixtures.push(found(name.span(), &path)?);
            }
            return Ok(());
        }
        return Err(not_a_script(&word.into(), key));
    }
    Err(not_a_script(&input.parse()?, key))
}

/// The names in `, scripts("a", "b")`.
fn scripts_in(input: ParseStream, directory: &LitStr) -> syn::Result<Vec<LitStr>> {
    let missing = || {
        let written = directory.value();
        mistake(
            directory,
            "`path` needs the scripts in that directory",
            format!("write `path = \"{written}\", scripts(\"users\")`"),
        )
    };
    input.parse::<Token![,]>().map_err(|_| missing())?;
    let word: Option<Ident> = input.parse()?;
    if word.is_none_or(|word| word != "scripts") {
        return Err(missing());
    }
    let names: Group = input.parse().map_err(|_| missing())?;
    let names = syn::punctuated::Punctuated::<LitStr, Token![,]>::parse_terminated
        .parse2(names.stream())
        .map_err(|error| {
            mistake_at(
                error.span(),
                "expected the name of a script in quotes",
                "write `scripts(\"users\")`",
            )
        })?;
    if names.is_empty() {
        return Err(missing());
    }
    Ok(names.into_iter().collect())
}

fn not_a_script(found: &TokenTree, key: &Ident) -> syn::Error {
    let problem = format!("expected the name of a script in quotes, found `{found}`");
    let help = match found {
        TokenTree::Ident(name) if name == "path" => {
            "write `path = \"../fixtures\", scripts(\"users\")`".to_owned()
        }
        TokenTree::Ident(name) if name == "scripts" => {
            "write `path = \"../fixtures\"` in front of it".to_owned()
        }
        TokenTree::Ident(name) => format!("write `\"{name}\"`"),
        _ => write_example(key),
    };
    mistake(found, problem, help)
}

fn with_extension(name: String) -> String {
    match Path::new(&name).extension() {
        Some(_) => name,
        None => format!("{name}.sql"),
    }
}

/// Reports a missing script more clearly than `include_str!` would.
///
/// An editor expands macros without naming their file: then the script is not looked for.
fn found(span: Span, path: &str) -> syn::Result<Fixture> {
    let path = LitStr::new(path, span);
    let Some(source) = source_of(span) else {
        return Ok(Fixture { path });
    };
    let file = source.parent().unwrap_or(Path::new("")).join(path.value());
    if file.is_file() {
        return Ok(Fixture { path });
    }
    let problem = format!("there is no file `{}` beside this one", path.value());
    Err(mistake(&path, problem, what_is_there(&file)))
}

fn source_of(span: Span) -> Option<PathBuf> {
    // Outside of the compiler, as in the unit tests, there are no files.
    let source = proc_macro::is_available().then(|| span.unwrap().local_file())??;
    source.is_file().then_some(source)
}

fn what_is_there(missing: &Path) -> String {
    let entries = missing
        .parent()
        .and_then(|directory| directory.read_dir().ok());
    let mut scripts: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "sql")
        })
        .map(|name| format!("`{name}`"))
        .collect();
    scripts.sort();
    match &scripts[..] {
        [] => "create it, or write its path from this file: `\"../fixtures/users.sql\"`".to_owned(),
        scripts => format!("that directory has {}", scripts.join(", ")),
    }
}

fn mistake_at(span: Span, problem: &str, help: &str) -> syn::Error {
    syn::Error::new(span, format!("{problem}\n{help}"))
}
