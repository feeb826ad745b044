//! Serves the application.
//!
//! `DATABASE_URL` names the database, `LISTEN_ADDR` (default `127.0.0.1:3000`) the address;
//! `SMTP_ADDR` and `MAIL_FROM` describe the mail server.

use std::{env, error::Error, process::ExitCode};

use demo_app::{AppState, app, database, mailer::SmtpMailer};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-app: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| {
        "DATABASE_URL is not set; name the database to serve from, \
         as in DATABASE_URL=postgres://user:password@localhost/demo"
    })?;
    let db = database::connect(&url).await?;
    let address = env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|cause| format!("could not listen on {address}: {cause}"))?;
    tracing::info!("listening on http://{}", listener.local_addr()?);

    let app = app(AppState {
        db: db.clone(),
        mailer: SmtpMailer::from_env(),
    });
    axum::serve(listener, app)
        .with_graceful_shutdown(stop_signal())
        .await?;
    db.close().await;
    Ok(())
}

/// Waits for Ctrl-C or, where there is such a thing, for `SIGTERM`.
async fn stop_signal() {
    #[cfg(unix)]
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();

    tokio::select! {
        _ = signal::ctrl_c() => {}
        _ = terminated => {}
    }
    tracing::info!("stopping: open requests are finished first");
}
