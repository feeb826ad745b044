//! The command line that opens a database of the server.

use std::borrow::Cow;

use sqlx::postgres::PgSslMode;

use super::{Origin, Server};

impl Server {
    /// The `psql` line that opens a database. It holds no password; `psql` asks for one.
    pub(crate) fn psql(&self, database: &str) -> String {
        let host = match self.maintenance.get_socket() {
            Some(directory) => directory.to_string_lossy(),
            // The brackets of an IPv6 address belong to the URL.
            None => Cow::from(self.maintenance.get_host().trim_matches(['[', ']'])),
        };
        let security = match self.maintenance.get_ssl_mode() {
            _ if self.maintenance.get_socket().is_some() => "",
            PgSslMode::Prefer => "",
            PgSslMode::Disable => "PGSSLMODE=disable ",
            PgSslMode::Allow => "PGSSLMODE=allow ",
            PgSslMode::Require => "PGSSLMODE=require ",
            PgSslMode::VerifyCa => "PGSSLMODE=verify-ca ",
            PgSslMode::VerifyFull => "PGSSLMODE=verify-full ",
        };
        format!(
            "{security}{} -h {} -p {} -U {} -d {}",
            quoted(&self.program()),
            quoted(&host),
            self.maintenance.get_port(),
            quoted(self.maintenance.get_username()),
            quoted(database),
        )
    }

    #[cfg(unix)]
    fn program(&self) -> Cow<'_, str> {
        match &self.origin {
            Origin::Local { server, .. } => Cow::from(server.psql()),
            Origin::Url { .. } => Cow::from("psql"),
        }
    }

    #[cfg(not(unix))]
    fn program(&self) -> Cow<'_, str> {
        Cow::from("psql")
    }

    /// How long databases are kept on this server, and how to drop them.
    pub(crate) fn about_kept(&self) -> &'static str {
        match &self.origin {
            Origin::Url {
                has_password: true, ..
            } => {
                "psql asks for the password of the URL; DB_TEST_KEEP=drop on a run of any test drops what is\n\
                 kept, and so does the first run after a week"
            }
            Origin::Url { .. } => {
                "DB_TEST_KEEP=drop on a run of any test drops what is kept, and so does the first run after a week"
            }
            #[cfg(unix)]
            Origin::Local { .. } => {
                "the private server stays up for an hour; DB_TEST_KEEP=list on a run of any test brings it up\n\
                 again, DB_TEST_KEEP=drop drops what is kept, and so does the first run after a week"
            }
        }
    }

    /// Lets a private server wait longer for its next user, because somebody is going to look at
    /// what is kept there.
    pub(crate) fn stay_up(&self) {
        #[cfg(unix)]
        if let Origin::Local { server, .. } = &self.origin {
            server.stay_up();
        }
    }

    /// Takes back [`stay_up`](Self::stay_up).
    pub(crate) fn cancel_stay_up(&self) {
        #[cfg(unix)]
        if let Origin::Local { server, .. } = &self.origin {
            server.cancel_stay_up();
        }
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        Cow::from(word)
    } else {
        Cow::from(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::{Origin, Server, quoted};
    use crate::postgres::server::{Login, Source};

    fn psql(url: &str) -> String {
        let maintenance = url.parse().expect("it is a URL");
        let origin = Origin::Url {
            variable: "TEST_DB_URL",
            source: Source::Environment,
            has_password: true,
        };
        let relay = OnceLock::new();
        let login = Login::default();
        Server {
            maintenance,
            origin,
            relay,
            login,
            role_settings: std::sync::OnceLock::new(),
        }
        .psql("dbt_kept_it_1")
    }

    #[test]
    fn the_line_names_all_that_leads_to_the_database_but_the_password() {
        let line = psql("postgres://ada%20l:sesame@db.example:5433/app?sslmode=verify-full");
        let expected =
            "PGSSLMODE=verify-full psql -h db.example -p 5433 -U 'ada l' -d dbt_kept_it_1";
        assert_eq!(line, expected);
    }

    #[test]
    fn a_socket_is_named_by_its_directory() {
        let line = psql("postgres://ada@%2Frun%2Fpg/app");
        assert_eq!(line, "psql -h /run/pg -p 5432 -U ada -d dbt_kept_it_1");
    }

    #[test]
    fn a_word_is_quoted_where_the_shell_would_read_it_otherwise() {
        let read = ["plain", "", "two words", "it's", "$HOME"].map(quoted);
        assert_eq!(
            read,
            ["plain", "''", "'two words'", r"'it'\''s'", "'$HOME'"]
        );
    }
}
