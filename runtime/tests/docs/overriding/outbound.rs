//! What the application asks of other services, answered by a `Router` of the test.

use std::convert::Infallible;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRef, FromRequestParts},
    http::{Request, Response, StatusCode, request::Parts},
    routing::get,
};
use db_test::{BoxError, Client, Overrides, db_test};
use hyper_util::{client::legacy, rt::TokioExecutor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

/// The way out of the application: whatever answers an HTTP request.
#[derive(Clone)]
pub(crate) struct Outbound(BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>);

impl Outbound {
    /// The network.
    pub(crate) fn network() -> Self {
        let client = legacy::Client::builder(TokioExecutor::new()).build_http();
        let client = ServiceExt::<Request<Body>>::map_response(client, |r| r.map(Body::new));
        Self::through(client)
    }

    /// Any service; a `Router` is one.
    pub(crate) fn through<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S: Service<Request<Body>, Error: Into<BoxError>, Future: Send + 'static>,
    {
        Self(BoxCloneSyncService::new(service.map_err(Into::into)))
    }

    pub(crate) async fn get(&self, url: &str) -> Result<String, BoxError> {
        let request = Request::get(url).body(Body::empty())?;
        let response = self.0.clone().oneshot(request).await?;
        if !response.status().is_success() {
            return Err(format!("{url} answered {}", response.status()).into());
        }
        let body = to_bytes(response.into_body(), 1 << 20).await?;
        Ok(String::from_utf8(body.into())?)
    }
}

#[db_test::overridable]
impl<S: Send + Sync> FromRequestParts<S> for Outbound
where
    Outbound: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Outbound::from_ref(state))
    }
}

pub(crate) async fn price(outbound: Outbound) -> Result<String, StatusCode> {
    let rate = outbound.get("http://rates.example/eur").await;
    rate.map(|rate| format!("100 at {rate}"))
        .map_err(|_| StatusCode::BAD_GATEWAY)
}

#[db_test]
async fn the_price_follows_the_rate(client: Client, overrides: Overrides) {
    let rates = Router::new().route("/eur", get(|| async { "1.25" }));
    overrides.set(Outbound::through(rates));
    client.get("/price").await.assert_text("100 at 1.25");
}

fn rates_are_down(overrides: &Overrides) {
    let down = Router::new().fallback(|| async { StatusCode::SERVICE_UNAVAILABLE });
    overrides.set(Outbound::through(down));
}

#[db_test(overrides = rates_are_down)]
async fn without_a_rate_there_is_no_price(client: Client) {
    let response = client.get("/price").await;
    response.assert_status(StatusCode::BAD_GATEWAY);
}

#[db_test]
async fn in_production_it_is_the_network() -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/eur", listener.local_addr()?);
    let answer = async {
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 1024];
        let length = stream.read(&mut request).await?;
        assert!(request[..length].starts_with(b"GET /eur HTTP/1.1\r\n"));
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n1.25";
        stream.write_all(response).await
    };
    let outbound = Outbound::network();
    let (rate, answered) = tokio::join!(outbound.get(&url), answer);
    answered?;
    assert_eq!(rate?, "1.25");
    Ok(())
}
