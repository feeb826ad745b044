//! A startup message that names another role or database than the test's: the server says what
//! comes of it.

use super::{Engine, Stage, schedule::Flow, setup_version};
use crate::postgres::{
    proxy::{
        api::ClientId,
        expected::{Expected, Own},
        protocol::{ErrorFields, error, query},
        settings::literal,
        startup::{names, parameters},
    },
    sqlstate,
};

const HINT: &str = "db-test: this test runs in one transaction on one connection of the server; \
    `#[db_test(isolation = \"database\")]` gives it a database of its own, with the server's own connections.";

/// Who a client is in the sandbox.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Identity {
    /// The role of the test.
    Test,
    /// Another role, by the setting that makes the backend act as it, with the settings that were
    /// given to it (`ALTER ROLE … SET`).
    Role(&'static str, String, Vec<(String, String)>),
}

/// The settings of a role in this database, its own after those in general; without those that only
/// a superuser may set.
const SETTINGS: &str = "(select pg_catalog.string_agg(c, pg_catalog.chr(31) order by d.setdatabase) \
    from pg_catalog.pg_db_role_setting d join pg_catalog.pg_roles r on r.oid = d.setrole, \
    pg_catalog.unnest(d.setconfig) c left join pg_catalog.pg_settings s \
    on s.name = pg_catalog.split_part(c, '=', 1) where coalesce(s.context, 'user') = 'user' \
    and d.setdatabase in (0, (select oid from pg_catalog.pg_database \
    where datname = pg_catalog.current_database())) and r.rolname = ";

/// Why a client is refused: an SQLSTATE, a message, and whether the server would not have refused
/// it.
type Refused = (&'static str, String, bool);

impl Engine {
    /// Whether a startup message names the role and the database of the test.
    pub(super) fn names_the_test(&self, asked: &[(String, String)]) -> bool {
        let (roles, databases) = (&self.setup.roles, &self.setup.databases);
        let (role, database) = names(asked);
        let is = |known: &[String], name: Option<&str>| {
            known.is_empty() || name.is_none_or(|name| known.iter().any(|known| known == name))
        };
        is(roles, role) && is(databases, database)
    }

    /// Asks the server, as soon as the backend is free.
    pub(super) fn look_for_names(&mut self, id: ClientId) -> Flow {
        if self.active == Some(id) {
            return Flow::Wait;
        }
        if self.test.is_none() || self.ending.is_some() {
            // The refusal of what it asks says that the test has ended.
            self.named(id, &Identity::Test);
            return Flow::Go;
        }
        if !self.acquire_for_end(id) {
            return Flow::Wait;
        }
        let asked = self.asked_names(id);
        let (role, database) = names(&asked);
        let own = literal(self.setup.roles.first().map_or("", String::as_str));
        let role = literal(role.unwrap_or_default());
        let database = literal(database.unwrap_or_default());
        let privilege = if setup_version(&self.setup) >= 16 {
            "SET"
        } else {
            "MEMBER"
        };
        self.send_prefix(Own::Prefix);
        let of_role = |what: &str, role: &str| {
            format!(
                "(select ({what})::pg_catalog.text from pg_catalog.pg_roles where rolname = {role})"
            )
        };
        let sql = format!(
            "select {},{},{},(select 'true' from pg_catalog.pg_database where datname = {database}),\
             {SETTINGS}{role})",
            of_role("rolcanlogin", &role),
            of_role("rolsuper", &own),
            of_role(
                &format!("pg_catalog.pg_has_role({own}::pg_catalog.name,oid,'{privilege}')"),
                &role
            ),
        );
        query(&mut self.backend.out, &sql);
        self.backend
            .answers
            .push(Expected::Own(Own::Names(id, Vec::new())));
        Flow::Wait
    }

    /// Welcomes or refuses a client, now that the server has answered.
    pub(super) fn found_names(&mut self, id: ClientId, row: &[Option<String>]) {
        self.active = None;
        let asked = self.asked_names(id);
        match self.identity(&asked, row) {
            Ok(identity) => self.named(id, &identity),
            Err((code, text, is_limit)) => {
                let client = self.client(id);
                client.naming = None;
                client.stage = Stage::Gone;
                if !client.is_closed {
                    let hint = is_limit.then_some(HINT);
                    let fields = ErrorFields::new("FATAL", code, &text);
                    error(&mut client.out, ErrorFields { hint, ..fields });
                }
            }
        }
    }

    fn identity(
        &self,
        asked: &[(String, String)],
        row: &[Option<String>],
    ) -> Result<Identity, Refused> {
        let (role, database) = names(asked);
        let (role, database) = (role.unwrap_or_default(), database.unwrap_or_default());
        let found = |n: usize| row.get(n).and_then(Option::as_deref);
        let is_own_role = self.setup.roles.iter().any(|own| own == role);
        let is_own_database = self.setup.databases.iter().any(|own| own == database);
        let unauthorized = |what: &str| {
            let code = sqlstate::INVALID_AUTHORIZATION_SPECIFICATION;
            Err((code, format!("role \"{role}\" {what}"), false))
        };
        match found(0) {
            _ if is_own_role => {}
            None => return unauthorized("does not exist"),
            Some("false") => return unauthorized("is not permitted to log in"),
            Some(_) => {}
        }
        if !is_own_database && found(3).is_none() {
            let text = format!("database \"{database}\" does not exist");
            return Err((sqlstate::INVALID_CATALOG_NAME, text, false));
        }
        if !is_own_database {
            let text = format!(
                "database \"{database}\" is not the test's, which is the only one that its connections lead to"
            );
            return Err((sqlstate::SERVER_REJECTED, text, true));
        }
        let as_role = |setting| {
            let settings = settings_of_role(found(4).unwrap_or_default());
            Ok(Identity::Role(setting, role.to_owned(), settings))
        };
        match (found(1), found(2)) {
            _ if is_own_role => Ok(Identity::Test),
            (Some("true"), _) => as_role("session_authorization"),
            (_, Some("true")) => as_role("role"),
            _ => {
                let text = format!("the role of the test may not act as role \"{role}\"");
                Err((sqlstate::INSUFFICIENT_PRIVILEGE, text, true))
            }
        }
    }

    fn asked_names(&mut self, id: ClientId) -> Vec<(String, String)> {
        let naming = self.client(id).naming.as_ref();
        naming.map_or_else(Vec::new, |(_, body)| parameters(body))
    }

    fn named(&mut self, id: ClientId, identity: &Identity) {
        if let Some((version, body)) = self.client(id).naming.take() {
            // It is not remembered: a test may drop the role.
            let greeting = self.greet(version, &body, identity);
            self.say_welcome(id, &greeting);
        }
    }
}

/// The settings of a role, as the server has put them together.
fn settings_of_role(joined: &str) -> Vec<(String, String)> {
    let each = joined.split('\u{1f}');
    let pairs = each.filter_map(|setting| setting.split_once('='));
    pairs
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect()
}
