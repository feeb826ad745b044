//! A minimal SMTP client (RFC 5321) for a relay on the same host, which is where encryption,
//! queues and retries belong.

use std::{env, io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::{Mail, MailError, Mailer, Sending};

/// How long it may take to hand over a mail.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hands mail to an SMTP server.
#[derive(Clone, Debug)]
pub struct SmtpMailer {
    address: String,
    from: String,
}

impl SmtpMailer {
    /// The mailer that `SMTP_ADDR` (default `localhost:25`) and `MAIL_FROM` (default
    /// `bookings@localhost`) describe. It connects when there is a mail to send.
    pub fn from_env() -> Arc<dyn Mailer> {
        Arc::new(Self {
            address: env::var("SMTP_ADDR").unwrap_or_else(|_| "localhost:25".to_owned()),
            from: env::var("MAIL_FROM").unwrap_or_else(|_| "bookings@localhost".to_owned()),
        })
    }

    async fn hand_over(&self, mail: &Mail) -> io::Result<()> {
        let mut server = Dialog(BufReader::new(TcpStream::connect(&self.address).await?));
        server.expect('2').await?;
        server.ask("EHLO localhost", '2').await?;
        server
            .ask(&format!("MAIL FROM:<{}> BODY=8BITMIME", self.from), '2')
            .await?;
        server
            .ask(&format!("RCPT TO:<{}>", mail.to.as_str()), '2')
            .await?;
        server.ask("DATA", '3').await?;
        server.ask(&message(&self.from, mail), '2').await?;
        // From here on the mail is the server's, whatever it answers to the farewell.
        server.ask("QUIT", '2').await.ok();
        Ok(())
    }
}

impl Mailer for SmtpMailer {
    fn send(&self, mail: Mail) -> Sending<'_> {
        Box::pin(async move {
            timeout(PATIENCE, self.hand_over(&mail))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                .map_err(|cause| MailError {
                    address: self.address.clone(),
                    cause,
                })
        })
    }
}

/// A conversation with the server: a command, a reply, a command, a reply.
struct Dialog(BufReader<TcpStream>);

impl Dialog {
    async fn ask(&mut self, command: &str, good: char) -> io::Result<()> {
        self.0
            .write_all(format!("{command}\r\n").as_bytes())
            .await?;
        self.expect(good).await
    }

    /// Reads a reply and compares the first digit of its code.
    async fn expect(&mut self, good: char) -> io::Result<()> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // `250-` says that more lines follow, `250 ` that this is the last.
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            return if line.starts_with(good) {
                Ok(())
            } else {
                Err(io::Error::other(format!(
                    "it answered `{}`",
                    line.trim_end()
                )))
            };
        }
    }
}

/// The mail as it is transferred, with its final dot.
fn message(from: &str, Mail { to, subject, text }: &Mail) -> String {
    let mut message = format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        to = to.as_str(),
    );
    for line in text.lines() {
        // A line that begins with a dot would end the mail there.
        if line.starts_with('.') {
            message.push('.');
        }
        message.push_str(line);
        message.push_str("\r\n");
    }
    message.push('.');
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_dot_in_the_text_does_not_end_the_mail() {
        let to = "ada@example.com".to_owned().try_into().expect("an address");
        let mail = Mail {
            to,
            subject: "Dots",
            text: "one\n.\ntwo".to_owned(),
        };
        let message = message("bookings@localhost", &mail);
        assert!(
            message.ends_with("\r\n\r\none\r\n..\r\ntwo\r\n."),
            "{message}"
        );
    }
}
