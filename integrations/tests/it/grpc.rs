//! gRPC beside axum, by tonic.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{Router, routing::get};
use db_test::{BoxError, Session, db_test};
use sqlx::PgPool;
use tonic::{Request, Response, Status, body::Body, server::NamedService, service::Routes};
use tonic_prost::ProstCodec;
use tower::Service;

/// The application: a page and a gRPC service in one router.
fn app(pool: PgPool) -> Router {
    let grpc = Routes::new(Users(pool)).into_axum_router();
    Router::new()
        .route("/health", get(async || "well"))
        .merge(grpc)
}

#[derive(Clone, PartialEq, prost::Message)]
struct AddRequest {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AddReply {
    #[prost(int64, tag = "1")]
    id: i64,
}

async fn add(pool: PgPool, request: Request<AddRequest>) -> Result<Response<AddReply>, Status> {
    let name = request.into_inner().name;
    let insert = "insert into users (name, password) values ($1, '') returning id";
    let insert = sqlx::query_scalar(insert).bind(name).fetch_one(&pool);
    match insert.await {
        Ok(id) => Ok(Response::new(AddReply { id })),
        Err(_) => Err(Status::already_exists("there is such a user")),
    }
}

/// What `tonic-build` would write for `service Users { rpc Add(AddRequest) returns (AddReply); }`.
#[derive(Clone)]
struct Users(PgPool);

impl NamedService for Users {
    const NAME: &'static str = "shop.Users";
}

impl Service<http::Request<Body>> for Users {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let pool = self.0.clone();
        Box::pin(async move {
            let answer = tower::service_fn(move |request| add(pool.clone(), request));
            let mut grpc = tonic::server::Grpc::new(ProstCodec::default());
            Ok(grpc.unary(answer, request).await)
        })
    }
}

fn shop() -> Session {
    Session::postgres().app(|cx| app(cx.pool()))
}

/// A client speaks to the router itself, without a port. A generated one does, too:
/// `UsersClient::new(router)`.
async fn send(router: &Router, name: &str) -> Result<i64, Status> {
    let mut client = tonic::client::Grpc::new(router.clone());
    let Ok(()) = client.ready().await;
    let request = Request::new(AddRequest {
        name: name.to_owned(),
    });
    let path = http::uri::PathAndQuery::from_static("/shop.Users/Add");
    let reply = client.unary(request, path, ProstCodec::<_, AddReply>::default());
    Ok(reply.await?.into_inner().id)
}

#[db_test(session = shop)]
async fn a_name_is_taken_once(router: Router, pool: PgPool) -> Result<(), BoxError> {
    let id = send(&router, "ada").await?;
    let stored: i64 = sqlx::query_scalar("select id from users where name = 'ada'")
        .fetch_one(&pool)
        .await?;
    assert_eq!(stored, id);
    let refused = send(&router, "ada")
        .await
        .expect_err("she is there already");
    assert_eq!(refused.code(), tonic::Code::AlreadyExists);
    Ok(())
}
