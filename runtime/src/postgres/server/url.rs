//! The server that the environment names.

mod parse;

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use sqlx::postgres::PgConnectOptions;

use crate::postgres::cause::Cause;

/// The variables that name a server, first match wins.
pub(super) const VARIABLES: [&str; 2] = ["TEST_DB_URL", "DATABASE_URL"];

/// The value of `TEST_DB_URL` that asks for the private server, whatever else is set.
const PRIVATE: &str = "private";

/// A server named by a variable.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) variable: &'static str,
    /// Where the variable was found.
    pub(super) source: Source,
    pub(super) has_password: bool,
    pub(super) options: PgConnectOptions,
}

/// Where a variable was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Environment,
    File(PathBuf),
}

/// Which server is to be used.
#[derive(Debug)]
pub(super) enum Choice {
    Named(Box<Named>),
    /// The private one, and why.
    Private(String),
}

/// What a `.env` says.
#[derive(Default, Debug)]
struct DotEnv {
    path: PathBuf,
    pairs: Vec<(String, String)>,
}

/// Looks for each variable in the environment, then in the nearest `.env`.
///
/// An empty value counts as none. In the environment it also hides the file's line of that name, as
/// it does for the application.
pub(super) fn find(crate_dir: &Path) -> Result<Choice, Cause> {
    choose(
        |variable| env::var(variable).ok(),
        &read_dot_env(crate_dir)?,
    )
}

fn choose(environment: impl Fn(&str) -> Option<String>, file: &DotEnv) -> Result<Choice, Cause> {
    let in_file = |variable| {
        let found = file.pairs.iter().find(|(name, _)| name == variable);
        found.map(|(_, value)| (value.clone(), Source::File(file.path.clone())))
    };
    for variable in VARIABLES {
        let found = environment(variable).map(|value| (value, Source::Environment));
        match found.or_else(|| in_file(variable)) {
            Some((value, source)) if variable == "TEST_DB_URL" && value == PRIVATE => {
                return Ok(Choice::Private(format!(
                    "{variable} ({source}) requests it"
                )));
            }
            Some((value, source)) if !value.is_empty() => {
                return named(variable, source, &value).map(|named| Choice::Named(Box::new(named)));
            }
            _ => {}
        }
    }
    let variables = VARIABLES.join(" nor ");
    Ok(Choice::Private(format!(
        "neither {variables} is set (environment, .env)"
    )))
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

fn named(variable: &'static str, source: Source, value: &str) -> Result<Named, Cause> {
    let options = parse::options(value).map_err(|problem| Cause::BadUrl {
        variable,
        place: source.to_string(),
        problem,
    })?;
    Ok(Named {
        variable,
        source,
        has_password: parse::has_password(value),
        options,
    })
}

/// The pairs of the `.env` nearest to the crate, searching its directory and those above.
fn read_dot_env(crate_dir: &Path) -> Result<DotEnv, Cause> {
    let Some(path) = crate_dir
        .ancestors()
        .map(|dir| dir.join(".env"))
        .find(|path| path.is_file())
    else {
        return Ok(DotEnv::default());
    };
    let unreadable = |error: dotenvy::Error| {
        // The parser's own text quotes the line, which may hold a password.
        let problem = match error {
            dotenvy::Error::LineParse(_, position) => {
                format!("a line is malformed at column {position}")
            }
            other => other.to_string(),
        };
        Cause::BadDotEnv(format!("{}: {problem}", path.display()))
    };
    let pairs = dotenvy::from_path_iter(&path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    Ok(DotEnv { path, pairs })
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::PathBuf};

    use super::{Choice, DotEnv, choose, read_dot_env};

    const FIRST: &str = "postgres://ada@first.example/one";
    const SECOND: &str = "postgres://ada@second.example/two";

    /// The variable and the host that are chosen.
    fn chosen(
        environment: &[(&str, &str)],
        file: &[(&str, &str)],
    ) -> Option<(&'static str, String)> {
        let pairs = file.iter();
        let pairs = pairs.map(|(name, value)| (name.to_string(), value.to_string()));
        let file = DotEnv {
            path: PathBuf::from("/shop/.env"),
            pairs: pairs.collect(),
        };
        let lookup = |wanted: &str| {
            let found = environment.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.to_string())
        };
        match choose(lookup, &file).unwrap_or_else(|error| panic!("{error}")) {
            Choice::Named(named) => Some((named.variable, named.options.get_host().to_owned())),
            Choice::Private(_) => None,
        }
    }

    #[test]
    fn test_db_url_comes_before_database_url_wherever_it_stands() {
        let second = chosen(&[("DATABASE_URL", FIRST)], &[("TEST_DB_URL", SECOND)]);
        assert_eq!(second, Some(("TEST_DB_URL", "second.example".to_owned())));
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let first = chosen(&[("TEST_DB_URL", FIRST)], &[("TEST_DB_URL", SECOND)]);
        assert_eq!(first, Some(("TEST_DB_URL", "first.example".to_owned())));
    }

    #[test]
    fn an_empty_value_counts_as_none() {
        let first = chosen(&[("TEST_DB_URL", "")], &[("DATABASE_URL", FIRST)]);
        assert_eq!(first, Some(("DATABASE_URL", "first.example".to_owned())));
        assert_eq!(chosen(&[("TEST_DB_URL", "")], &[]), None);
    }

    #[test]
    fn an_empty_variable_hides_the_line_of_its_name_in_the_file() {
        let (test, other) = (("TEST_DB_URL", FIRST), ("DATABASE_URL", SECOND));
        assert_eq!(chosen(&[("DATABASE_URL", "")], &[other]), None);
        let second = Some(("DATABASE_URL", "second.example".to_owned()));
        assert_eq!(chosen(&[("TEST_DB_URL", "")], &[test, other]), second);
    }

    #[test]
    fn the_private_server_can_be_asked_for_wherever_the_variable_stands() {
        let (private, url) = (("TEST_DB_URL", "private"), ("DATABASE_URL", FIRST));
        assert_eq!(chosen(&[private, url], &[url]), None);
        assert_eq!(chosen(&[url], &[private, url]), None);
    }

    #[test]
    fn an_unusable_url_is_reported_with_its_file() {
        let url = "mysql://ada:sesame@host/shop".to_owned();
        let file = DotEnv {
            path: PathBuf::from("/shop/.env"),
            pairs: vec![("DATABASE_URL".to_owned(), url)],
        };
        let message = choose(|_| None, &file)
            .expect_err("it is of another kind")
            .to_string();
        assert!(
            message.starts_with("DATABASE_URL (/shop/.env) is not"),
            "{message}"
        );
    }

    #[test]
    fn a_broken_file_is_reported_without_the_line_that_may_hold_a_password() {
        let directory = env::temp_dir().join(format!("dbt-env-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("it is made");
        fs::write(
            directory.join(".env"),
            "TEST_DB_URL=\"postgres://ada:sesame@host\n",
        )
        .expect("it is written");
        let error = read_dot_env(&directory)
            .expect_err("a quote is missing")
            .to_string();
        fs::remove_dir_all(&directory).expect("it is removed");
        assert!(
            error.contains(".env") && !error.contains("sesame"),
            "{error}"
        );
    }
}
