//! A receiver of webhooks on a port.

use axum::{Router, body::Body, http::Request, routing::post};
use db_test::{BoxError, FromTest, TestContext, db_test};
use hyper_util::{client::legacy, rt::TokioExecutor};
use tokio::{net::TcpListener, sync::mpsc};

/// A server that is there for one test, and what it received.
struct Receiver {
    url: String,
    received: mpsc::UnboundedReceiver<String>,
}

impl FromTest for Receiver {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let (sender, received) = mpsc::unbounded_channel();
        let hook = post(async move |body: String| {
            let _ = sender.send(body);
        });
        let router = Router::new().route("/hook", hook);
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        cx.on_end(async move { server.abort() });
        Ok(Self { url, received })
    }
}

/// The code to test: it is given the address, and sends there.
async fn notify(url: &str, text: &'static str) -> Result<(), BoxError> {
    let client = legacy::Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(url).body(Body::from(text))?;
    client.request(request).await?;
    Ok(())
}

#[db_test]
async fn a_webhook_is_sent(mut receiver: Receiver) -> Result<(), BoxError> {
    notify(&receiver.url, "paid").await?;
    assert_eq!(receiver.received.recv().await.as_deref(), Some("paid"));
    Ok(())
}
