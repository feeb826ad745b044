use super::{
    super::{Argument, Change, Control, Info, Modes, NewValue, OnCommit, ReadsClock, Verb},
    recognize,
};
use crate::sql::tokens;

fn info(sql: &str) -> Info {
    recognize(sql, &tokens(sql, false))
}

fn control(sql: &str) -> Option<Control> {
    info(sql).control
}

#[test]
fn transaction_control_is_known_in_any_form() {
    assert_eq!(
        control("/* x */ Rollback Work To Savepoint \"A\""),
        Some(Control::RollbackTo("A".to_owned()))
    );
    let modes = Modes {
        read_only: Some(true),
        level: Some("serializable".to_owned()),
    };
    assert_eq!(
        control("BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY;"),
        Some(Control::Begin {
            modes,
            tag: "BEGIN"
        })
    );
    assert_eq!(
        control("end transaction and chain"),
        Some(Control::Commit { chain: true })
    );
    assert_eq!(control("abort"), Some(Control::Rollback { chain: false }));
    assert_eq!(control("select 1 -- commit"), None);
}

#[test]
fn the_tables_of_a_vacuum_are_known() {
    let tables = |sql| match control(sql) {
        Some(Control::Vacuum(tables)) => tables.join(" "),
        other => panic!("a vacuum, not {other:?}"),
    };
    assert_eq!(tables("vacuum"), "");
    assert_eq!(tables("vacuum (verbose, buffer_usage_limit '1MB')"), "");
    assert_eq!(
        tables("vacuum full analyze A . \"B\" (x, y), only c *"),
        "A.\"B\" c"
    );
    assert_eq!(tables("vacuum 5"), "", "the words are not understood");
}

#[test]
fn isolation_read_committed_is_no_access_mode() {
    let Some(Control::Begin { modes, .. }) =
        control("begin isolation level read committed, read write")
    else {
        panic!("a begin");
    };
    assert_eq!(
        (modes.level.as_deref(), modes.read_only),
        (Some("read committed"), Some(false))
    );
}

#[test]
fn a_setting_is_known_with_the_statement_that_sets_it_again() {
    let change = |is_local, sql: &str| Change {
        name: Argument::Literal("app.tenant".to_owned()),
        is_local,
        to: NewValue::Sql(sql.to_owned()),
    };
    assert_eq!(
        info("set local app.tenant = '7'").changes,
        [change(true, "set local app.tenant = '7'")]
    );
    assert_eq!(
        info("SET app.tenant TO '7';").changes,
        [change(false, "set session app.tenant TO '7'")]
    );
    let by_function = &info("select set_config('app.tenant', $1, false)").changes[0];
    assert_eq!(by_function.to, NewValue::Value(Argument::Parameter(1)));
    assert!(!by_function.is_local);
}

#[test]
fn a_notification_by_function_is_known_with_its_arguments() {
    assert_eq!(
        info("select pg_notify('jobs', $1::text)").notifies,
        [(Argument::Literal("jobs".to_owned()), Argument::Parameter(1))]
    );
}

#[test]
fn what_refuses_transactions_is_rewritten() {
    let info = info("create unique index concurrently i on t (a)");
    assert_eq!(info.refuses_block, Some("CREATE INDEX CONCURRENTLY"));
    assert_eq!(
        info.rewritten.as_deref(),
        Some("create unique index  i on t (a)")
    );
}

#[test]
fn a_clock_that_stands_still_is_recognized() {
    for (sql, how) in [
        ("select now ()", ReadsClock::Call),
        ("select now() < LOCALTIMESTAMP(3)", ReadsClock::Keyword),
    ] {
        assert_eq!(info(sql).reads_clock, Some(how), "{sql}");
    }
    for sql in [
        "select clock_timestamp()",
        "select 'now()'",
        "select now from t",
        "select \"current_time\" from t",
    ] {
        assert_eq!(info(sql).reads_clock, None, "{sql}");
    }
}

#[test]
fn the_tables_of_a_statement_are_known() {
    let joined = info("select * from public.a x, b join c on x.id = c.id where d = 1");
    assert_eq!(joined.access.tables, ["a", "b", "c"]);
    assert_eq!(
        info("insert into \"T\" select 1 from s").access.targets,
        ["T"]
    );
    assert_eq!(
        info("select 1 from jobs for update skip locked")
            .access
            .verb,
        Verb::Lock
    );
    assert_eq!(info("update only t set a = 1").access.targets, ["t"]);
    assert_eq!(
        info("insert into t values (1) on conflict do update set a = 2")
            .access
            .targets,
        ["t"]
    );
}

#[test]
fn a_temporary_table_is_known_with_its_end() {
    assert_eq!(
        info("create temp table if not exists t (a int) on commit drop").temporary,
        Some(("t".to_owned(), OnCommit::Drop))
    );
}
