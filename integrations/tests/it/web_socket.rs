//! WebSocket.

use axum::{
    Router,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
    routing::get,
};
use db_test::{BoxError, Session, db_test};
use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use sqlx::PgPool;
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;

/// The application: whose name comes in is added, and the number of users goes out.
fn app(pool: PgPool) -> Router {
    Router::new().route("/users", get(upgrade)).with_state(pool)
}

async fn upgrade(upgrade: WebSocketUpgrade, State(pool): State<PgPool>) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(Message::Text(name))) = socket.recv().await {
            if answer(&mut socket, &pool, &name).await.is_err() {
                return;
            }
        }
    })
}

async fn answer(socket: &mut WebSocket, pool: &PgPool, name: &str) -> Result<(), BoxError> {
    let insert = sqlx::query("insert into users (name, password) values ($1, '')");
    insert.bind(name).execute(pool).await?;
    let count: i64 = sqlx::query_scalar("select count(*) from users")
        .fetch_one(pool)
        .await?;
    socket.send(count.to_string().into()).await?;
    Ok(())
}

fn chat() -> Session {
    Session::postgres().app(|cx| app(cx.pool()))
}

/// A connection to the application, in memory instead of on a port. Its task ends with the client.
async fn connect(router: Router, url: &str) -> Result<WebSocketStream<DuplexStream>, BoxError> {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(server), TowerToHyperService::new(router))
        .with_upgrades();
    tokio::spawn(connection);
    let (socket, _response) = tokio_tungstenite::client_async(url, client).await?;
    Ok(socket)
}

#[db_test(session = chat)]
async fn each_name_is_answered(router: Router, pool: PgPool) -> Result<(), BoxError> {
    let mut socket = connect(router, "ws://app/users").await?;
    for (name, count) in [("ada", "1"), ("bob", "2")] {
        socket.send(name.into()).await?;
        let answer = socket.next().await.ok_or("the socket is closed")??;
        assert_eq!(answer.to_text()?, count);
    }
    socket.close(None).await?;
    let names: Vec<String> = sqlx::query_scalar("select name from users order by id")
        .fetch_all(&pool)
        .await?;
    assert_eq!(names, ["ada", "bob"]);
    Ok(())
}
