//! `VACUUM`, which a test does not need. Only its errors are production's.

use super::{Engine, schedule::Flow};
use crate::postgres::{
    proxy::{
        api::ClientId,
        client::Check,
        expected::{Expected, Own},
        protocol::query,
        settings::literal,
    },
    sqlstate,
};

const TAG: &str = "VACUUM";

impl Engine {
    /// Whether the server has to look for the tables.
    pub(super) fn looks_for_tables(&mut self, id: ClientId, tables: &[String]) -> bool {
        !tables.is_empty() && !self.is_in_block(id)
    }

    /// Has the server look for the tables, by the client's search path and role.
    pub(super) fn look_for_tables(&mut self, id: ClientId, tables: &[String]) -> Flow {
        self.pass_control(id);
        self.enter(id);
        // Unlike `regclassin`, it tells a missing schema (`3F000`) from a missing table in every
        // version.
        let calls = tables.iter().map(|table| {
            format!(
                "pg_catalog.has_table_privilege({}, 'select')",
                literal(table)
            )
        });
        let sql = format!("select {}", calls.collect::<Vec<_>>().join(","));
        query(&mut self.backend.out, &sql);
        self.backend.answers.push(Expected::Own(Own::Check));
        self.unit(id).checking = Some(Check::Tables);
        Flow::Wait
    }

    /// All of the tables are there.
    pub(super) fn found_tables(&mut self, id: ClientId) {
        self.record_control(id, None);
        self.release_hidden(id);
        self.vacuum(id);
    }

    pub(super) fn vacuum(&mut self, id: ClientId) {
        if self.is_in_block(id) {
            let text = self.block_refusal(id, TAG);
            return self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, &text);
        }
        self.unit(id).piped = true;
        self.send_tag(id, TAG);
    }
}
