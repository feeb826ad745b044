//! An application of another framework: actix-web.

use actix_web::{App, HttpResponse, http::StatusCode, test, web};
use db_test::{Session, db_test};
use sqlx::PgPool;

async fn add(pool: web::Data<PgPool>, name: String) -> HttpResponse {
    let insert = sqlx::query("insert into users (name, password) values ($1, '')");
    match insert.bind(name).execute(pool.get_ref()).await {
        Ok(_) => HttpResponse::Created().finish(),
        Err(_) => HttpResponse::Conflict().finish(),
    }
}

/// The application's routes, as its `main` uses them.
fn routes(config: &mut web::ServiceConfig) {
    config.route("/users", web::post().to(add));
}

/// There is no `app` in it: that is for axum. The test makes the application, around the pool that
/// it is given.
fn shop() -> Session {
    Session::postgres()
}

/// actix-web spawns its tasks on the thread that it runs on, so the test has a runtime of its own.
#[db_test(session = shop, flavor = "current_thread")]
async fn a_name_is_taken_once(pool: PgPool) {
    let app = App::new().app_data(web::Data::new(pool)).configure(routes);
    let app = test::init_service(app).await;
    for expected in [StatusCode::CREATED, StatusCode::CONFLICT] {
        let request = test::TestRequest::post().uri("/users").set_payload("ada");
        let response = test::call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), expected);
    }
}
