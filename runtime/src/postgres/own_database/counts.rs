//! What PostgreSQL has counted of the changes to a database.
//!
//! A backend reports its counts before it disappears from `pg_stat_activity` (since PostgreSQL 15,
//! where they are in shared memory). So when all connections of a test are gone, the counts tell
//! every relation that one of them wrote to, whatever became of its transaction: rows of tables,
//! and by the rows of the catalogs every definition.

use std::collections::{BTreeMap, BTreeSet};

use crate::postgres::upstream::Row;

/// Has this backend report its own counts at the end of the query; it waits up to a second
/// otherwise.
pub(super) const REPORT: &str = "select pg_stat_force_next_flush()";

/// The state of the database as a whole, and the count of each relation. A sequence has no count of
/// its changes, so what was read of it counts.
///
/// Catalogs that belong to the whole server change with other tests; what they say about this
/// database is in its state.
pub(super) const LOOK: &str = "\
select 'database', concat_ws(' ', d.datdba, d.datallowconn, d.datconnlimit, d.datacl, pg_stat_get_db_stat_reset_time(d.oid), \
    (select string_agg(concat(setrole, setconfig), ' ' order by setrole) from pg_db_role_setting where setdatabase = d.oid), \
    (select count(*) from pg_subscription where subdbid = d.oid), \
    (select count(*) from pg_get_replication_slots() where datoid = d.oid), \
    (select count(*) from pg_prepared_xact() where dbid = d.oid)), \
  (select count(*) from pg_stat_get_activity(null) where datid = d.oid and usesysid is not null and pid <> pg_backend_pid())::text, null \
from pg_database d where d.datname = current_database() \
union all \
select case when relkind = 'S' then 'sequence' when relkind = 'r' and oid >= 16384 then 'table' else 'other' end, \
  oid::text, count::text, \
  (relkind = 'r' and oid >= 16384 and pg_relation_size(oid) = 0)::text \
from (select oid, relkind, case relkind when 'S' then pg_stat_get_blocks_fetched(oid) else \
    pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) + pg_stat_get_tuples_deleted(oid) end count \
  from pg_class where relkind in ('r', 'm', 'S') and not relisshared) relation \
where count <> 0 or (relkind = 'r' and oid >= 16384)";

/// What a look at a database has found.
#[derive(Default, Debug)]
pub(super) struct Counts {
    /// What is known of the database as a whole.
    database: String,
    /// How many other connections there are to it.
    pub(super) connections: u64,
    changes: BTreeMap<(RelationKind, u32), u64>,
    /// Tables that have no file content, and so no row.
    pub(super) empty: BTreeSet<u32>,
}

/// What a test has changed.
#[derive(Default, Debug)]
pub(super) struct Difference {
    pub(super) tables: Vec<u32>,
    pub(super) sequences: Vec<u32>,
    /// Something that cannot be undone.
    pub(super) beyond: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum RelationKind {
    Table,
    Sequence,
    /// Catalogs and materialized views.
    Other,
}

impl Counts {
    /// Reads the answer to [`LOOK`]; none if it is not one.
    pub(super) fn read(rows: Vec<Row>) -> Option<Self> {
        let mut counts = Self::default();
        let mut has_database = false;
        for row in rows {
            let [kind, second, third, is_empty] = <[_; 4]>::try_from(row).ok()?;
            let (kind, second, third) = (kind?, second?, third?);
            let kind = match kind.as_str() {
                "database" => {
                    has_database = true;
                    counts.connections = third.parse().ok()?;
                    counts.database = second;
                    continue;
                }
                "table" => RelationKind::Table,
                "sequence" => RelationKind::Sequence,
                _ => RelationKind::Other,
            };
            let id = second.parse().ok()?;
            counts.changes.insert((kind, id), third.parse().ok()?);
            if is_empty.as_deref() == Some("true") {
                counts.empty.insert(id);
            }
        }
        has_database.then_some(counts)
    }

    /// What has changed since an earlier look.
    pub(super) fn since(&self, before: &Self) -> Difference {
        let mut difference = Difference::default();
        if self.database != before.database {
            difference.beyond = Some(
                "a setting or a privilege of the database, a prepared transaction, or its statistics",
            );
        }
        for ((kind, id), changes) in &self.changes {
            let earlier = before.changes.get(&(*kind, *id)).copied();
            if earlier.unwrap_or_default() == *changes {
                continue;
            }
            match kind {
                RelationKind::Table => difference.tables.push(*id),
                RelationKind::Sequence => difference.sequences.push(*id),
                RelationKind::Other => difference.beyond = Some("a definition"),
            }
        }
        let is_gone = |key| !self.changes.contains_key(key);
        if before.changes.keys().any(is_gone) {
            difference.beyond = Some("a definition");
        }
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;
    use crate::postgres::upstream::Row;

    fn row<const N: usize>(columns: [&str; N]) -> Row {
        columns.map(|column| Some(column.to_owned())).to_vec()
    }

    fn counts(relations: &[[&str; 4]]) -> Counts {
        let mut database = row(["database", "10 t", "0"]);
        database.push(None);
        let relations = relations.iter().map(|relation| row(*relation));
        Counts::read([database].into_iter().chain(relations).collect()).expect("it is complete")
    }

    #[test]
    fn what_was_written_is_what_counts_another_number() {
        let before = counts(&[
            ["table", "20000", "3", "false"],
            ["table", "20001", "0", "true"],
            ["sequence", "20002", "1", "false"],
        ]);
        let after = counts(&[
            ["table", "20000", "3", "false"],
            ["table", "20001", "1", "false"],
            ["sequence", "20002", "2", "false"],
            ["sequence", "20003", "1", "false"],
        ]);
        let difference = after.since(&before);
        assert_eq!(
            (difference.tables, difference.sequences, difference.beyond),
            (vec![20001], vec![20002, 20003], None)
        );
    }

    #[test]
    fn a_catalog_that_changed_or_a_count_that_is_gone_is_beyond_undoing() {
        let before = counts(&[["other", "1259", "5", "false"]]);
        assert!(
            counts(&[["other", "1259", "6", "false"]])
                .since(&before)
                .beyond
                .is_some()
        );
        assert!(counts(&[]).since(&before).beyond.is_some());
        assert!(
            counts(&[["other", "1259", "5", "false"]])
                .since(&before)
                .beyond
                .is_none()
        );
    }

    #[test]
    fn an_answer_without_the_database_proves_nothing() {
        assert!(Counts::read(Vec::new()).is_none());
        assert!(Counts::read(vec![row(["table", "many", "3", "false"])]).is_none());
    }
}
