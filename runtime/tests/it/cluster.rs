//! What belongs to the whole server, and so outlives each of our databases.

use db_test::db_test;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::{place::Place, templates::Migrations};

const TESTS: &str = "injection::a_result_may_be_returned";

const ROLE: &str = "\
-- A comment.
create role it_reader with login -- of its own
    password 'semi;colon' in role pg_monitor; create table items (id int);
grant select on items to it_reader;
";

fn run(place: &Place, migrations: &Migrations, url: Option<&str>) -> child::Finished {
    let mut variables = vec![
        ("DB_TEST_CHILD_MIGRATIONS", migrations.path()),
        ("DB_TEST_CHILD_SEED", "none"),
    ];
    variables.extend(url.map(|url| ("TEST_DB_URL", url)));
    place.run(TESTS, &variables)
}

async fn execute(place: &Place, sql: &str) {
    let mut server = place.connect().await;
    let script = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    script.execute(&mut server).await.expect("it is done");
    server.close().await.expect("it closes");
}

/// A server named by a URL, with a role that may do what owners of applications often may.
async fn given() -> (Place, String) {
    let place = Place::new();
    place.run(TESTS, &[]).assert_passed();
    let role = "create role it_given login createdb createrole; grant pg_monitor to it_given with admin option";
    execute(&place, role).await;
    let options = place.socket().username("it_given").database("postgres");
    let url = options.to_url_lossy().to_string();
    (place, url)
}

/// The migrations are changed again and again, while the databases of the earlier ones are still
/// there.
fn assert_created_every_time(place: &Place, url: Option<&str>) {
    for change in [
        "",
        "-- changed",
        "alter role it_reader set work_mem = '8MB'",
    ] {
        let migrations = Migrations::new("1_reader.sql", &format!("{ROLE}{change}"));
        let passed = run(place, &migrations, url);
        assert!(passed.success, "{change}: {}", passed.output);
    }
}

#[db_test]
async fn a_migration_that_creates_a_role_works_every_time_on_a_private_server() {
    let place = Place::new();
    assert_created_every_time(&place, None);
}

#[db_test]
async fn a_migration_that_creates_a_role_works_every_time_on_a_given_server() {
    let (place, url) = given().await;
    assert_created_every_time(&place, Some(&url));
}

#[db_test]
async fn a_role_of_somebody_else_is_refused_with_what_to_do() {
    let (place, url) = given().await;
    execute(&place, "create role it_reader").await;
    let failed = run(&place, &Migrations::new("2_reader.sql", ROLE), Some(&url));
    for part in [
        "role \"it_reader\" already exists",
        "make it in the migration only where it is missing",
    ] {
        failed.assert_says(part);
    }
}

#[db_test]
async fn an_error_after_a_role_is_reported_with_its_line() {
    let place = Place::new();
    let sql = format!("{ROLE}\nselect nonsense;");
    let failed = run(&place, &Migrations::new("3_reader.sql", &sql), None);
    failed.assert_says("3_reader.sql:6");
}

#[db_test]
async fn what_a_test_makes_for_the_whole_server_is_removed_from_a_private_one() {
    let place = Place::new();
    for _ in 0..2 {
        let passed = place.run("on_request::making_what_outlives_it", &[]);
        passed.assert_passed();
        for what in [
            "database `it_left`",
            "role `it_left_role`",
            "setting of the role it_left_role `work_mem`",
        ] {
            let expected = format!(
                "on_request::making_what_outlives_it: the {what} outlives the test's database"
            );
            passed.assert_says(&expected);
        }
        passed.assert_does_not_say("could not be removed");
    }
}

#[db_test]
async fn what_a_test_makes_for_a_given_server_is_reported_with_what_removes_it() {
    let (place, url) = given().await;
    let passed = place.run(
        "on_request::making_what_outlives_it",
        &[("TEST_DB_URL", &url)],
    );
    passed.assert_passed();
    for undo in [
        "drop database it_left with (force);",
        "drop owned by it_left_role; drop role it_left_role;",
    ] {
        passed.assert_says(undo);
    }
}
