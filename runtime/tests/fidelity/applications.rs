//! Applications as people write them: layers with a transaction, workers, time limits.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use sqlx::{PgPool, PgTransaction};
use tokio::sync::Mutex;
use tower::ServiceExt;

use crate::comparison::{same, same_with_several};

type Shared = Arc<Mutex<Option<PgTransaction<'static>>>>;

/// A layer that begins a transaction for a request and commits it if all went well.
async fn in_transaction(State(pool): State<PgPool>, mut request: Request, next: Next) -> Response {
    let Ok(tx) = pool.begin().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let shared: Shared = Arc::new(Mutex::new(Some(tx)));
    request.extensions_mut().insert(Arc::clone(&shared));
    let response = next.run(request).await;
    let tx = shared.lock().await.take();
    match tx {
        Some(tx) if response.status().is_success() => tx
            .commit()
            .await
            .map_or_else(|_| StatusCode::CONFLICT.into_response(), |()| response),
        _ => response,
    }
}

async fn add(Extension(tx): Extension<Shared>, name: String) -> StatusCode {
    let mut tx = tx.lock().await;
    let Some(tx) = tx.as_mut() else {
        return StatusCode::GONE;
    };
    let insert = sqlx::query("insert into items (name) values ($1)").bind(&name);
    match insert.execute(&mut **tx).await {
        Ok(_) if name.starts_with("panic") => StatusCode::INTERNAL_SERVER_ERROR,
        Ok(_) => StatusCode::CREATED,
        Err(_) => StatusCode::CONFLICT,
    }
}

/// A handler that is slower than its time limit while it holds a transaction.
async fn slowly(State(pool): State<PgPool>, name: String) -> StatusCode {
    let work = async {
        let mut tx = pool.begin().await?;
        sqlx::query("insert into items (name) values ($1)")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        sqlx::query("select pg_sleep(0.1)")
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    // The limit is looked at first: a machine that stalls does not let the work pass.
    tokio::select! {
        biased;
        () = tokio::time::sleep(Duration::from_millis(20)) => StatusCode::REQUEST_TIMEOUT,
        done = work => done.map_or(StatusCode::CONFLICT, |()| StatusCode::CREATED),
    }
}

fn router(pool: &PgPool) -> Router {
    let layered = Router::new()
        .route("/add", post(add))
        .layer(middleware::from_fn_with_state(pool.clone(), in_transaction));
    Router::new()
        .route("/slowly", post(slowly))
        .with_state(pool.clone())
        .merge(layered)
}

async fn post_to(router: &Router, path: &str, body: &'static str) -> String {
    let request = Request::post(path)
        .body(Body::from(body))
        .expect("it is a request");
    let response = router
        .clone()
        .oneshot(request)
        .await
        .expect("a router does not fail");
    response.status().to_string()
}

/// Takes a job as a worker does and does it.
async fn work(pool: &PgPool) -> Result<Option<i32>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let job: Option<i32> = sqlx::query_scalar(
        "select id from jobs where not done order by id for update skip locked limit 1",
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(job) = job else { return Ok(None) };
    sqlx::query("update jobs set done = true where id = $1")
        .bind(job)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Some(job))
}

same! {
    async fn a_layer_commits_what_went_well_and_nothing_else(app) {
        let router = router(&app.pool);
        for name in ["a", "seeded", "panic", "b", "a", "c"] {
            app.see(post_to(&router, "/add", name).await);
        }
        app.items().await;
    }

    async fn requests_over_their_time_write_nothing(app) {
        let router = router(&app.pool);
        for name in ["a", "b"] {
            app.see(post_to(&router, "/slowly", name).await);
            app.items().await;
        }
        app.see(post_to(&router, "/add", "a").await);
        app.items().await;
    }

    async fn a_retry_after_a_conflict_succeeds(app) {
        for _ in 0..2 {
            let mut tx = app.pool.begin().await.expect("it begins");
            app.on(&mut tx, &["insert into items (name) values ('seeded')"]).await;
            app.outcome(&tx.rollback().await);
        }
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["select name from items where name = 'seeded' for update"]).await;
        app.on(&mut tx, &["update items set price = price + 1 returning price::text"]).await;
        app.outcome(&tx.commit().await);
        app.items().await;
    }
}

same_with_several! {
    async fn workers_take_each_job_once(app) {
        let workers = (0..5).map(|_| { let pool = app.pool.clone(); tokio::spawn(async move { work(&pool).await }) });
        let taken = futures_util::future::join_all(workers).await;
        app.see(taken.iter().filter(|job| matches!(job, Ok(Ok(_)))).count().to_string());
        while let Ok(Some(_)) = work(&app.pool).await {}
        app.run(&["select count(*)::text from jobs where done"]).await;
    }
}
