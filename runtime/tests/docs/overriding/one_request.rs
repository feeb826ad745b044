//! Overrides for one request.

use axum::{Router, body::Body, http::Request, http::StatusCode};
use db_test::{Client, OverrideRequest, db_test};
use tower::ServiceExt;

use crate::user::CurrentUser;

#[db_test]
async fn by_a_client(client: Client) {
    let response = client
        .get("/me")
        .overriding(|o| o.set(CurrentUser("grace".to_owned())))
        .await;
    response.assert_text("grace");
}

#[db_test]
async fn to_a_bare_router(router: Router) -> Result<(), axum::http::Error> {
    let request = Request::get("/me").body(Body::empty())?;
    let Ok(response) = router
        .oneshot(request)
        .overriding(|o| o.reject::<CurrentUser>(|| StatusCode::FORBIDDEN))
        .await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    Ok(())
}

#[db_test]
async fn without_what_the_session_set(client: Client) {
    let request = client.get("/me").overriding(|o| {
        o.remove::<CurrentUser>();
    });
    request.await.assert_status(StatusCode::UNAUTHORIZED);
}
