//! Reading a URL, of which nothing may be printed: where it is mistyped, any piece may be of its
//! password.

use sqlx::postgres::PgConnectOptions;
use tracing::subscriber::{NoSubscriber, with_default};

/// Schemes that people write by mistake; a message may repeat them, as they are no secret.
const OTHER_SCHEMES: [&str; 10] = [
    "mysql", "mariadb", "sqlite", "mssql", "jdbc", "http", "https", "redis", "mongodb", "pgsql",
];

/// What sqlx may say of a URL, as far as it quotes nothing.
const FIXED_TEXTS: [&str; 8] = [
    "empty host",
    "invalid port number",
    "invalid IPv4 address",
    "invalid IPv6 address",
    "invalid domain character",
    "invalid international domain name",
    "invalid IP address syntax",
    "invalid digit found in string",
];

/// The parameters that sqlx reads.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

const NOT_ENCODED: &str = "a special character in it is not percent-encoded";

/// The options that a URL stands for, or what is wrong with it in words of ours.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("it does not begin with postgres://".to_owned());
    };
    if !matches!(scheme, "postgres" | "postgresql") {
        let other = OTHER_SCHEMES.iter().find(|other| **other == scheme);
        return Err(match other {
            Some(other) => format!("its scheme is `{other}`"),
            None => "its scheme is not `postgres`".to_owned(),
        });
    }
    is_well_encoded(rest)?;
    // sqlx warns of a parameter that it does not know, with its value.
    let parsed = with_default(NoSubscriber::default(), || url.parse());
    parsed.map_err(|error: sqlx::Error| {
        let text = error.to_string();
        let fixed = FIXED_TEXTS.iter().find(|fixed| text.ends_with(**fixed));
        fixed.map_or_else(|| "it cannot be read".to_owned(), ToString::to_string)
    })
}

/// A `/`, `?`, `#` or `@` in a password that is not encoded makes another URL of it, perhaps a
/// valid one: the beginning of the password is its port then, and the rest the name of its
/// database.
fn is_well_encoded(rest: &str) -> Result<(), String> {
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (before, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let path = &before[authority.len().min(before.len())..];
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let is_user_with_at = user.contains('@') && !user.contains(':');
    let is_parameter_with_at = parameters.split('&').any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !PARAMETERS.contains(&name) && (value.contains('@') || name.contains('@'))
    });
    if rest.contains('#') || path.contains('@') || is_user_with_at || is_parameter_with_at {
        return Err(NOT_ENCODED.to_owned());
    }
    Ok(())
}

/// Whether a URL holds a password, before its host or among its parameters.
pub(super) fn has_password(url: &str) -> bool {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let (before_path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = before_path.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':')
        || parameters
            .split('&')
            .any(|parameter| parameter.starts_with("password="))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{has_password, options};

    /// What is printed of a URL: what is wrong with it, or where it leads to.
    fn printed(url: &str) -> String {
        match options(url) {
            Err(problem) => problem,
            Ok(options) => format!(
                "{} {} {} {:?}",
                options.get_host(),
                options.get_port(),
                options.get_username(),
                options.get_database()
            ),
        }
    }

    /// Places in which a password stands, in URLs that are right, and in such that are mistyped.
    const FORMS: [&str; 16] = [
        "postgres://ada:PASSWORD@host/app",
        "postgres://ada:PASSWORD@host:5432/app?sslmode=disable",
        "postgres:/ada:PASSWORD@host/app",
        "postgres:ada:PASSWORD@host/app",
        "postgres//ada:PASSWORD@host/app",
        "postgres:///ada:PASSWORD@host/app",
        "ada:PASSWORD@host/app",
        "ada:PASSWORD@host/postgres://",
        "postgress://ada:PASSWORD@host/app",
        "PASSWORD://ada@host/app",
        "PASSWORD",
        "jdbc:postgresql://ada:PASSWORD@host/app",
        "host=host password=PASSWORD",
        "postgres://ada:PASSWORD@host:port/app",
        "postgres://ada@host/app?password=PASSWORD",
        "postgres://ada@host/app?sslmode=PASSWORD",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

        /// The pieces are capitals and digits that stand nowhere else in the forms.
        #[test]
        fn no_piece_of_a_password_is_printed(
            form in prop::sample::select(&FORMS[..]),
            pieces in prop::collection::vec("(QX[XYZ]{2}|[6-9]{3})", 1..4),
            separator in prop::sample::select(&["/", "?", "#", "@", ":", "&", "%", "=", " ", "[", "%zz", "\\", "\""][..]),
        ) {
            let url = form.replace("PASSWORD", &pieces.join(separator));
            let text = printed(&url).to_uppercase();
            for piece in &pieces {
                prop_assert!(!text.contains(piece), "{piece} of {url} is in {text}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_words_of_ours() {
        for (url, problem) in [
            ("host=x password=y", "it does not begin with postgres://"),
            ("mysql://ada@host", "its scheme is `mysql`"),
            ("sesame://ada@host", "its scheme is not `postgres`"),
            ("postgres://host:port/app", "invalid port number"),
            (
                "postgres://ada:12#34@host/app",
                "a special character in it is not percent-encoded",
            ),
            (
                "postgres://ada@host/app?sslmode=sesame",
                "it cannot be read",
            ),
        ] {
            assert_eq!(options(url).map(|_| ()), Err(problem.to_owned()), "{url}");
        }
    }

    #[test]
    fn urls_that_are_right_are_read() {
        for url in [
            "postgres://ada%40azure:p%2Fw@host/app",
            "postgres://ada@azure:pw@host:5432/app",
            "postgresql:///app?host=/run/postgresql&user=ada@x&password=a@b",
            "postgres://host/app?options=-c%20search_path%3Da&connect_timeout=10",
        ] {
            assert!(options(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_password_is_found_wherever_it_stands() {
        for with in ["postgres://a:b@c/d", "postgres://a@c/d?x=1&password=b"] {
            assert!(has_password(with), "{with}");
        }
        for without in [
            "postgres://a@c:1/d",
            "postgres://c:1/d",
            "postgres:///d?host=x",
        ] {
            assert!(!has_password(without), "{without}");
        }
    }
}
