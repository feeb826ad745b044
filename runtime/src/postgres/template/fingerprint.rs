//! The name of a template is the digest of what it is made from.

use super::Content;
use crate::{postgres::server::Server, schema::Fingerprint};

/// Changes when the way a template is made changes.
const FORMAT: &[u8] = b"5";

/// Sixteen hexadecimal digits that stand for the migrations, the seeds, the locale, and the
/// connection that they run on: its role, which owns the databases that it makes, and its options
/// (`?options[search_path]=app` in the URL, `PGOPTIONS`).
///
/// The server's version is not part of it: a database lives in one server. Its configuration, and
/// what is set for the role on it, are not either, because a warm process asks the server nothing
/// before it connects to its lane.
pub(super) fn of(content: &Content, server: &Server) -> String {
    let mut digest = Fingerprint::new();
    digest.add(FORMAT);
    digest.add(server.owner().as_bytes());
    digest.add(server.startup_options().as_bytes());
    digest.add_migrations(&content.migrator);
    if let Some(locale) = &content.locale {
        digest.add(b"locale");
        digest.add(locale.as_bytes());
    }
    let function = content.seed.as_ref().map(|seed| seed.code);
    digest.add_seeds(&content.seed_sql, function.as_slice());
    digest.finish()
}
