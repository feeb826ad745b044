//! Connections that name another role or database than the test's.

use sqlx::{Connection, postgres::PgConnectOptions};

use crate::comparison::{App, differs, same, same_with_several};

/// Connects by the options of the pool with one thing changed, and runs a statement.
async fn connect(
    app: &mut App,
    change: impl FnOnce(PgConnectOptions) -> PgConnectOptions,
    sql: &str,
) {
    // The real names are known when the database is ready.
    app.items().await;
    let options = change((*app.pool.connect_options()).clone());
    match sqlx::PgConnection::connect_with(&options).await {
        Ok(mut connection) => {
            app.on(&mut connection, &[sql]).await;
            connection.close().await.ok();
        }
        Err(error) => app.outcome(&Err::<(), _>(error)),
    }
    app.items().await;
}

const ADD: &str = "insert into items (name) values ('one')";

same! {
    async fn a_database_that_does_not_exist_is_refused(app) {
        connect(app, |options| options.database("nowhere"), "select 1::text").await;
    }

    async fn a_role_that_does_not_exist_is_refused(app) {
        connect(app, |options| options.username("nobody"), "select 1::text").await;
        connect(app, |options| options.username("nobody").database("nowhere"), "select 1::text").await;
    }

    async fn a_role_that_may_not_log_in_is_refused(app) {
        connect(app, |options| options.username("fidelity_other"), "select 1::text").await;
    }

    async fn another_role_of_the_test_has_its_own_privileges(app) {
        connect(app, |options| options.username("fidelity_guest"), "select current_user::text").await;
        connect(app, |options| options.username("fidelity_guest"), ADD).await;
        app.run(&["grant insert on items to fidelity_guest"]).await;
        connect(app, |options| options.username("fidelity_guest"), ADD).await;
        connect(app, |options| options.username("fidelity_guest"), "reset role").await;
        connect(app, |options| options.username("fidelity_guest"), "show lock_timeout").await;
        connect(app, |options| options.username("fidelity_guest").options([("lock_timeout", "9s")]), "show lock_timeout").await;
        app.run(&["select current_user = session_user"]).await;
    }
}

same_with_several! {
    async fn a_name_is_looked_up_within_another_connections_transaction(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["select 1::text"]).await;
        connect(app, |options| options.database("nowhere"), "select 1::text").await;
        app.on(&mut tx, &["select 1 / 0", "select 1::text"]).await;
        connect(app, |options| options.username("fidelity_guest"), "select current_user::text").await;
        app.outcome(&tx.rollback().await);
    }
}

differs! {
    async fn another_database_of_the_server_is_refused(app) {
        connect(app, |options| options.database("postgres"), "select current_database()::text").await;
    }
    production [r#"["seeded0"]"#, r#"["postgres"]"#, r#"["seeded0"]"#];
    sandbox [r#"["seeded0"]"#, "error 08004", r#"["seeded0"]"#];

    async fn the_session_user_is_the_role_of_the_test(app) {
        connect(app, |options| options.username("fidelity_guest"), "select (session_user = current_user)::text").await;
    }
    production [r#"["seeded0"]"#, r#"["true"]"#, r#"["seeded0"]"#];
    sandbox [r#"["seeded0"]"#, r#"["false"]"#, r#"["seeded0"]"#];
}
