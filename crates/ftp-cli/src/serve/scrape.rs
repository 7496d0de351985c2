//! The page with the metrics: `GET /metrics`, one request a connection.
//!
//! It implements the part of HTTP that a scrape needs. `httparse` reads the request; the answer is
//! a constant head and the metrics.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::error;

use super::metrics::Metrics;

/// The longest request, and how long it and its answer may take.
const LONGEST_REQUEST: usize = 8 * 1024;
const MOST_HEADERS: usize = 64;
const TIME: Duration = Duration::from_secs(5);
/// How many are served at a time. One more replaces the oldest that has not sent its request:
/// silent clients must not make others wait.
const AT_A_TIME: usize = 16;
/// The pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_secs(1);

/// A scrape in progress.
struct Scrape {
    task: JoinHandle<()>,
    /// The request is complete, and the answer is being sent.
    has_asked: Arc<AtomicBool>,
}

/// Answers scrapes. Never ends.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    serve_within(TIME, listener, metrics).await;
}

async fn serve_within(time: Duration, listener: TcpListener, metrics: Arc<Metrics>) {
    let mut scrapes = VecDeque::with_capacity(AT_A_TIME);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                make_room(&mut scrapes).await;
                scrapes.push_back(begin(time, stream, metrics.clone()));
            }
            Err(error) => {
                error!(%error, "cannot accept a connection for metrics");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Closes one if there are as many as allowed. They are in the order of arrival.
async fn make_room(scrapes: &mut VecDeque<Scrape>) {
    scrapes.retain(|scrape| !scrape.task.is_finished());
    if scrapes.len() < AT_A_TIME {
        return;
    }
    let is_silent = |scrape: &Scrape| !scrape.has_asked.load(Ordering::Relaxed);
    let at = scrapes.iter().position(is_silent).unwrap_or_default();
    if let Some(scrape) = scrapes.remove(at) {
        scrape.task.abort();
        // It has ended when its connection is closed.
        drop(scrape.task.await);
    }
}

fn begin(time: Duration, stream: TcpStream, metrics: Arc<Metrics>) -> Scrape {
    let has_asked = Arc::<AtomicBool>::default();
    let asked = has_asked.clone();
    let task = tokio::spawn(async move {
        // A bad, slow or missing request gets no metrics. It is not logged.
        drop(timeout(time, answer(stream, &metrics, &asked)).await);
    });
    Scrape { task, has_asked }
}

async fn answer<T>(mut stream: T, metrics: &Metrics, has_asked: &AtomicBool) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let request = read(&mut stream).await?;
    has_asked.store(true, Ordering::Relaxed);
    let (status, content_type, body) = match request {
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

async fn read<T: AsyncRead + Unpin>(stream: &mut T) -> io::Result<Request> {
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
        let has_asked = AtomicBool::default();
        answer(far, &Metrics::new(), &has_asked).await.unwrap();
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

    /// Longer than any test.
    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn those_that_say_nothing_keep_nobody_waiting() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve_within(LONG, listener, Arc::new(Metrics::new())));
        let mut held = Vec::new();
        for begun in [&b""[..], b"GET /metr", b"GET /metrics HTTP/1.1\r\nX: "] {
            for _ in 0..3 * AT_A_TIME {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(begun).await.unwrap();
                held.push(stream);
            }
            let scrape = async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let request = b"GET /metrics HTTP/1.1\r\n\r\n";
                stream.write_all(request).await.unwrap();
                let mut heard = String::new();
                stream.read_to_string(&mut heard).await.unwrap();
                assert!(heard.starts_with("HTTP/1.1 200 OK"), "{heard}");
            };
            // Far below any deadline, and long enough for any machine.
            timeout(LONG / 60, scrape).await.expect("an answer");
        }
        // The first were closed, and only as many as allowed are open.
        let first = timeout(LONG / 60, held[0].read(&mut [0])).await.unwrap();
        assert!(first.is_err() || first.is_ok_and(|count| count == 0));
        let last = held.last_mut().unwrap();
        last.write_all(b"y\r\n\r\n").await.unwrap();
        let mut heard = String::new();
        last.read_to_string(&mut heard).await.unwrap();
        assert!(heard.starts_with("HTTP/1.1 200 OK"), "{heard}");
        serving.abort();
    }

    #[tokio::test]
    async fn whoever_asked_is_cut_off_after_those_that_did_not() {
        let asked = |asked: bool| Scrape {
            task: tokio::spawn(std::future::pending()),
            has_asked: Arc::new(AtomicBool::new(asked)),
        };
        let mut scrapes: VecDeque<_> = (0..AT_A_TIME).map(|n| asked(n % 2 == 0)).collect();
        for left in (0..AT_A_TIME / 2).rev() {
            make_room(&mut scrapes).await;
            scrapes.push_back(asked(true));
            let silent = scrapes
                .iter()
                .filter(|scrape| !scrape.has_asked.load(Ordering::Relaxed));
            assert_eq!((silent.count(), scrapes.len()), (left, AT_A_TIME));
        }
        make_room(&mut scrapes).await;
        assert_eq!(scrapes.len(), AT_A_TIME - 1);
        scrapes.iter().for_each(|scrape| scrape.task.abort());
    }
}
