//! Which values are masked, statement by statement.

use super::{super::masked_sql, Dialect};

fn secrets(sql: &str, is_complete: bool) -> super::Secrets {
    super::secrets(sql, Dialect::Postgres, is_complete)
}

/// The statement as it is printed, and the parameters that are masked.
fn check(sql: &str, shown: &str, masked: &[usize]) {
    let secrets = secrets(sql, true);
    assert_eq!(masked_sql(sql, &secrets), shown);
    let found: Vec<_> = (1..20).filter(|one| secrets.has_parameter(*one)).collect();
    assert_eq!(found, masked, "{sql}");
}

fn check_parameters(sql: &str, masked: &[usize]) {
    check(sql, sql, masked);
}

#[test]
fn parameters_compared_with_a_secret_are_secrets() {
    for (sql, masked) in [
        (
            "select id from sessions where token = $1 and user_id = $2",
            &[1][..],
        ),
        (
            "select id from users where email = $1 and $2 = api_key",
            &[2],
        ),
        (
            "select id from users where \"apiKey\" in ($1, $2) or id = $3",
            &[1, 2],
        ),
        (
            "select * from t where (s.token = any($1) or id = $2) and a = $3",
            &[1],
        ),
        (
            "select id from users where password_hash = crypt($2, password_hash) and id = $1",
            &[2],
        ),
        (
            "select 1 from t where a = (select b from s where token = $1) and c = $2",
            &[1],
        ),
        ("select 1 where data->>'password' = $1 and id = $2", &[1]),
        ("select verify_token($1, $2), $3", &[1, 2]),
        ("select $1 as token, $2 as name", &[1]),
        ("select set_config('app.token', $1, false)", &[1]),
        ("delete from tokens where tokens.id = $1", &[]),
        ("select token from sessions where id = $1 limit $2", &[]),
    ] {
        check_parameters(sql, masked);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn parameters_of_sqlite_are_found_in_each_form() {
    for (sql, masked) in [
        ("select 1 from a where name = ? and token = ?", 2),
        ("select 1 from a where name = ?3 and token = ?1", 1),
        ("select 1 from a where name = :name and token = :token", 2),
        ("insert into a (name, [token]) values (@name, @token)", 2),
        ("update a set `token` = $t where name = $n", 1),
    ] {
        let secrets = super::secrets(sql, Dialect::Sqlite, true);
        let found: Vec<_> = (1..5).filter(|one| secrets.has_parameter(*one)).collect();
        assert_eq!(found, [masked], "{sql}");
    }
}

#[test]
fn parameters_written_to_a_secret_are_secrets() {
    for (sql, masked) in [
        (
            "update users set name = $1, password_hash = $2 where id = $3",
            &[2][..],
        ),
        (
            "update users set (name, pin) = ($1, $2) where id = $3",
            &[1, 2],
        ),
        (
            "update users set password = coalesce($1, password), name = $2",
            &[1],
        ),
        ("insert into users (email, password) values ($1, $2)", &[2]),
        (
            "insert into users (email, password) values ($1, crypt($2, $3)), ($4, $5) returning id",
            &[2, 3, 5],
        ),
        (
            "INSERT INTO users (email, password) SELECT $1, $2 WHERE true",
            &[2],
        ),
        (
            "insert into users (email, token, name) select * from unnest($1::text[], $2::text[], $3::text[])",
            &[2],
        ),
        (
            "update u set token = v.token from (values ($1, $2)) as v(id, token) where v.id = u.id",
            &[2],
        ),
        (
            "update u set t = v.token from unnest($1, $2) as v (id, token) where u.id = $3",
            &[1, 2],
        ),
        (
            "insert into t (token) values ($1) on conflict (token) do update set used = $2",
            &[1],
        ),
        ("select create_user(name => $1, password => $2)", &[1, 2]),
    ] {
        check_parameters(sql, masked);
    }
}

#[test]
fn literals_are_masked_in_the_text() {
    for (sql, shown) in [
        (
            "create role ada login password 'sesame'",
            "create role ada login password ***",
        ),
        (
            "ALTER USER ada WITH ENCRYPTED PASSWORD 'it''s'",
            "ALTER USER ada WITH ENCRYPTED PASSWORD ***",
        ),
        (
            "update users set pin = 1234, name = 'ada'",
            "update users set pin = ***, name = 'ada'",
        ),
        (
            "insert into users (email, password) values ('a', e'b\\'c'), ('d', 'e')",
            "insert into users (email, password) values ('a', ***), ('d', ***)",
        ),
        (
            "select 1 where api_key = 'abc' and name = 'ada'",
            "select 1 where api_key = *** and name = 'ada'",
        ),
        ("do $$ begin create role x password 'y'; end $$", "do ***"),
        (
            "select 1 where data->>'token' = 'abc'",
            "select 1 where data->>'token' = ***",
        ),
        (
            "set role ada; set app.token to 'abc'",
            "set role ada; set app.token to ***",
        ),
        (
            "update users set token = 'abc",
            "update users set token = ***",
        ),
    ] {
        check(sql, shown, &[]);
    }
}

#[test]
fn what_is_not_seen_of_a_cut_statement_may_be_a_secret() {
    let cut = secrets(
        "insert into users (email, password) values ($1, $2), ($3",
        false,
    );
    let masked: Vec<_> = (1..6).filter(|one| cut.has_parameter(*one)).collect();
    assert_eq!(masked, [2, 4, 5]);
    assert!(!secrets("select $1", false).has_parameter(2));
}
