//! The page with the metrics: `GET /metrics`, one request a connection.
//!
//! As much of HTTP as a scrape needs. `httparse` reads the request; an answer is a constant head and
//! the metrics.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::error;

use super::metrics::Metrics;

/// The longest request, and how long it and its answer may take.
const LONGEST_REQUEST: usize = 8 * 1024;
const MOST_HEADERS: usize = 64;
const TIME: Duration = Duration::from_secs(5);
/// Who comes when so many are served already waits.
const AT_A_TIME: usize = 16;
/// After a connection that could not be accepted.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers scrapes. Never ends.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return; // it is never closed
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let metrics = metrics.clone();
                tokio::spawn(async move {
                    // Who asks badly, too slowly or not at all has no metrics: nothing to log.
                    drop(timeout(TIME, answer(stream, &metrics)).await);
                    drop(place);
                });
            }
            Err(error) => {
                error!(%error, "cannot accept a connection for metrics");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn answer<T>(mut stream: T, metrics: &Metrics) -> std::io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (status, content_type, body) = match read(&mut stream).await? {
        Request::Metrics => match metrics.text() {
            Ok(text) => ("200 OK", CONTENT_TYPE, text),
            Err(_) => ("500 Internal Server Error", PLAIN, String::new()),
        },
        Request::OtherPage => ("404 Not Found", PLAIN, "It is /metrics.\n".to_owned()),
        Request::OtherMethod => ("405 Method Not Allowed\r\nAllow: GET", PLAIN, String::new()),
        Request::Bad => ("400 Bad Request", PLAIN, String::new()),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

const PLAIN: &str = "text/plain; charset=utf-8";

#[derive(Debug, PartialEq, Eq)]
enum Request {
    Metrics,
    OtherPage,
    OtherMethod,
    Bad,
}

async fn read<T: AsyncRead + Unpin>(stream: &mut T) -> std::io::Result<Request> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 || bytes.len() > LONGEST_REQUEST {
            return Ok(Request::Bad);
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&bytes) {
            Ok(httparse::Status::Partial) => {}
            Ok(httparse::Status::Complete(_)) => {
                let path = request.path.and_then(|path| path.split('?').next());
                return Ok(match (request.method, path) {
                    (Some("GET"), Some("/metrics")) => Request::Metrics,
                    (Some("GET"), _) => Request::OtherPage,
                    _ => Request::OtherMethod,
                });
            }
            Err(_) => return Ok(Request::Bad),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(request: &[u8]) -> String {
        let (mut near, far) = tokio::io::duplex(1 << 16);
        near.write_all(request).await.unwrap();
        near.shutdown().await.unwrap();
        answer(far, &Metrics::new()).await.unwrap();
        let mut heard = String::new();
        near.read_to_string(&mut heard).await.unwrap();
        heard
    }

    #[tokio::test]
    async fn only_a_get_of_the_page_gets_it() {
        let long = [
            &b"GET /metrics HTTP/1.1\r\nX: "[..],
            &[b'x'; 9000],
            b"\r\n\r\n",
        ]
        .concat();
        for (request, status) in [
            (&b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"[..], "200 OK"),
            (b"GET /metrics?name=x HTTP/1.0\r\n\r\n", "200 OK"),
            (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
            (b"GET /metrics\r\n\r\n", "400 Bad Request"),
            (b"USER anna\r\n", "400 Bad Request"),
            (b"GET /metrics HTTP/1.1\r\n", "400 Bad Request"),
            (b"", "400 Bad Request"),
            (&long, "400 Bad Request"),
        ] {
            let heard = ask(request).await;
            assert!(
                heard.starts_with(&format!("HTTP/1.1 {status}\r\n")),
                "{heard}"
            );
        }
    }
}
