//! The server that the environment names.

mod parse;

use std::{env, path::Path};

use sqlx::postgres::PgConnectOptions;

use crate::error::Cause;

/// The variables that name a server, first match wins.
pub(super) const VARIABLES: [&str; 2] = ["TEST_DB_URL", "DATABASE_URL"];

/// A server named by a variable.
pub(super) struct Named {
    pub(super) variable: &'static str,
    /// Where the variable was found.
    pub(super) place: &'static str,
    pub(super) has_password: bool,
    pub(super) options: PgConnectOptions,
}

/// Looks for each variable in the environment, then in the nearest `.env`. An empty value counts
/// as none.
pub(super) fn find(crate_dir: &Path) -> Result<Option<Named>, Cause> {
    choose(
        |variable| env::var(variable).ok(),
        &read_dot_env(crate_dir)?,
    )
}

fn choose(
    environment: impl Fn(&str) -> Option<String>,
    file: &[(String, String)],
) -> Result<Option<Named>, Cause> {
    let in_file = |variable| {
        let found = file.iter().find(|(name, _)| name == variable);
        found.map(|(_, value)| value.clone())
    };
    let candidates = VARIABLES.iter().flat_map(|&variable| {
        let places = [
            ("environment", environment(variable)),
            (".env", in_file(variable)),
        ];
        places.map(|(place, value)| (variable, place, value))
    });
    for (variable, place, value) in candidates {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            return named(variable, place, &value).map(Some);
        }
    }
    Ok(None)
}

fn named(variable: &'static str, place: &'static str, value: &str) -> Result<Named, Cause> {
    let options = parse::options(value).map_err(|problem| Cause::BadUrl {
        variable,
        place,
        problem,
    })?;
    Ok(Named {
        variable,
        place,
        has_password: parse::has_password(value),
        options,
    })
}

/// The pairs of the `.env` nearest to the crate, searching its directory and those above.
fn read_dot_env(crate_dir: &Path) -> Result<Vec<(String, String)>, Cause> {
    let Some(path) = crate_dir
        .ancestors()
        .map(|dir| dir.join(".env"))
        .find(|path| path.is_file())
    else {
        return Ok(Vec::new());
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
    dotenvy::from_path_iter(&path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::{choose, read_dot_env};

    const FIRST: &str = "postgres://ada@first.example/one";
    const SECOND: &str = "postgres://ada@second.example/two";

    /// The variable and the host that are chosen.
    fn chosen(
        environment: &[(&str, &str)],
        file: &[(&str, &str)],
    ) -> Option<(&'static str, String)> {
        let file: Vec<_> = file
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let lookup = |wanted: &str| {
            let found = environment.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.to_string())
        };
        let named = choose(lookup, &file).unwrap_or_else(|error| panic!("{error}"))?;
        Some((named.variable, named.options.get_host().to_owned()))
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
