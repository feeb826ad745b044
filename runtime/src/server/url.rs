//! The server that the environment names.

use std::{env, path::Path};

use sqlx::postgres::PgConnectOptions;

use crate::error::Cause;

/// The variables that name a server, first match wins.
const VARIABLES: [&str; 2] = ["TEST_DB_URL", "DATABASE_URL"];

/// A server named by a variable.
pub(super) struct Named {
    pub(super) variable: &'static str,
    pub(super) options: PgConnectOptions,
}

/// Looks for each variable in the environment, then in the nearest `.env`. An empty value counts
/// as none.
pub(super) fn find(crate_dir: &Path) -> Result<Option<Named>, Cause> {
    let file = read_dot_env(crate_dir)?;
    for variable in VARIABLES {
        let in_environment = env::var(variable).ok().map(|value| (value, "environment"));
        let in_file = || {
            file.iter()
                .find(|(name, _)| name == variable)
                .map(|(_, value)| (value.clone(), ".env"))
        };
        let filled = |found: &(String, _)| !found.0.is_empty();
        if let Some((value, place)) = in_environment
            .filter(filled)
            .or_else(|| in_file().filter(filled))
        {
            return parse(variable, place, &value).map(Some);
        }
    }
    Ok(None)
}

fn parse(variable: &'static str, place: &'static str, value: &str) -> Result<Named, Cause> {
    let bad = |problem: String| Cause::BadUrl {
        variable,
        place,
        problem,
    };
    let scheme = value.split_once(':').map_or("", |(scheme, _)| scheme);
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(bad(if value.contains("://") {
            format!("its scheme is `{scheme}`")
        } else {
            "it has no scheme".to_owned()
        }));
    }
    let options = value
        .parse()
        .map_err(|error: sqlx::Error| bad(error.to_string()))?;
    Ok(Named { variable, options })
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
