use std::future::{Ready, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::task::Waker;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use parking_lot::Mutex;
use tokio::io::{DuplexStream, ReadBuf, duplex};

use super::*;
use crate::limits::ViewerLimits;
use crate::request_content::RequestContent;
use crate::server::http1;

const GET: &[u8] = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
const BOTH: &[u8] = b"POST /both HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-LENGTH: 5\r\n\r\n0\r\n\r\n";

/// Answers at once with what it was asked for, and never reads content.
#[derive(Clone, Default)]
struct Telling {
    held: Arc<Mutex<Vec<RequestContent>>>,
}

impl ViewerService for Telling {
    type Body = Full<Bytes>;
    type Future = Ready<Response<Full<Bytes>>>;

    fn call(&self, connection: &Arc<Connection>, request: Request<RequestContent>) -> Self::Future {
        let told = format!("<{}{}>", request.uri(), if connection.ambiguous_framing() { " ambiguous" } else { "" });
        self.held.lock().push(request.into_body());
        ready(Response::new(Full::new(told.into())))
    }
}

struct Stand {
    viewer: DuplexStream,
    parser: Parser<DuplexStream, Telling>,
    connection: Arc<Connection>,
    service: Telling,
}

fn stand() -> Stand {
    let (limits, nowhere) = (ViewerLimits::default(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let connection = Arc::new(Connection::new(nowhere, nowhere, None, &limits));
    let (viewer, edge) = duplex(1 << 16);
    let service = Telling::default();
    let io = ViewerIo::new(edge, Arc::clone(&connection), &limits);
    let hyper = ConnectionService::new(service.clone(), Arc::clone(&connection));
    let parser = Parser::new(Arc::new(http1::builder(&limits)), io, hyper);
    Stand { viewer, parser, connection, service }
}

fn now() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

impl Stand {
    fn say(&mut self, bytes: &[u8]) {
        let written = Pin::new(&mut self.viewer).poll_write(&mut now(), bytes);
        assert!(bytes.is_empty() || matches!(written, Poll::Ready(Ok(length)) if length == bytes.len()));
    }

    /// One turn of the connection.
    fn turn(&mut self) -> Poll<hyper::Result<()>> {
        let _whether_it_began = self.parser.poll_begin(&mut now(), &self.connection);
        self.parser.poll(&mut now())
    }

    /// Parks where the connection may be.
    fn rest(&mut self) {
        if self.connection.may_be_parked() {
            assert!(self.parser.park(&mut now(), &self.connection).is_pending());
            assert!(self.is_parked());
        }
    }

    fn is_parked(&self) -> bool {
        matches!(self.parser.state, State::Parked(..))
    }

    /// What the viewer has to read; `None` behind it: the end.
    fn heard(&mut self) -> (String, Option<()>) {
        let mut all = Vec::new();
        loop {
            let mut space = [0; 4096];
            let mut buf = ReadBuf::new(&mut space);
            let read = Pin::new(&mut self.viewer).poll_read(&mut now(), &mut buf);
            let is_open = read.is_pending();
            if is_open || buf.filled().is_empty() {
                return (String::from_utf8(all).unwrap(), is_open.then_some(()));
            }
            all.extend_from_slice(buf.filled());
        }
    }

    /// The contents of all responses so far.
    fn told(&mut self) -> String {
        let heard = self.heard().0;
        heard
            .split('<')
            .skip(1)
            .filter_map(|piece| piece.split_once('>'))
            .map(|(told, _)| format!("<{told}>"))
            .collect()
    }
}

#[test]
fn wherever_a_connection_is_parked_its_requests_are_the_same() {
    let stream = [GET, NEXT, BOTH].concat();
    for first in 0..=stream.len() {
        for second in [first, first + 1, first + 40, stream.len()].map(|at| at.min(stream.len())) {
            let mut stand = stand();
            for piece in [&stream[..first], &stream[first..second], &stream[second..]] {
                stand.say(piece);
                // The last is answered without being read, which is the end of the connection.
                if stand.turn().is_pending() {
                    stand.rest();
                }
            }
            assert_eq!(stand.told(), "</first></next></both ambiguous>", "{first} {second}");
        }
    }
}

#[test]
fn a_connection_begins_parked_and_is_parked_again_between_requests() {
    let mut stand = stand();
    assert!(stand.turn().is_pending() && stand.is_parked());
    for request in [GET, NEXT] {
        stand.say(request);
        assert!(stand.turn().is_pending() && !stand.is_parked());
        stand.rest();
        assert!(stand.is_parked() && stand.turn().is_pending() && stand.is_parked());
    }
    assert_eq!(stand.told(), "</first></next>");
}

#[test]
fn content_that_is_on_its_way_keeps_the_parser_and_is_no_request() {
    for head in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut stand = stand();
        stand.say(format!("POST /post HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n").as_bytes());
        assert!(stand.turn().is_pending());
        assert_eq!(stand.told(), "</post>");
        assert!(!stand.connection.may_be_parked(), "{head}");
        // Were it tried all the same, hyper would have to say so.
        assert!(stand.parser.park(&mut now(), &stand.connection).is_pending());
        assert!(!stand.is_parked());
        stand.say(GET);
        stand.service.held.lock().clear();
        let _over = stand.turn();
        assert_eq!(stand.told(), "");
    }
}

#[test]
fn a_parked_connection_that_is_closed_ends_without_a_word() {
    for request in [&b""[..], GET] {
        let mut stand = stand();
        stand.say(request);
        assert!(stand.turn().is_pending());
        stand.rest();
        stand.heard();
        stand.parser.close(&stand.connection);
        assert!(matches!(stand.turn(), Poll::Ready(Ok(()))));
        assert_eq!(stand.heard(), (String::new(), None));
    }
}

#[test]
fn a_head_that_has_begun_is_waited_for_when_the_connection_is_closed() {
    let mut stand = stand();
    stand.say(&GET[..20]);
    assert!(stand.turn().is_pending());
    stand.rest();
    stand.parser.close(&stand.connection);
    assert!(stand.turn().is_pending());
    stand.say(&GET[20..]);
    let _pending_or_over = stand.turn();
    assert_eq!(stand.told(), "</first>");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_parked_connection_is_its_end() {
    let mut stand = stand();
    stand.say(GET);
    assert!(stand.turn().is_pending());
    stand.rest();
    assert!(Pin::new(&mut stand.viewer).poll_shutdown(&mut now()).is_ready());
    assert!(matches!(stand.turn(), Poll::Ready(Ok(()))));
}

#[test]
fn what_is_no_request_is_refused_by_the_parser_that_gets_it() {
    let mut stand = stand();
    stand.say(GET);
    assert!(stand.turn().is_pending());
    stand.rest();
    stand.heard();
    stand.say(b"\x16\x03\x01\x02\x00\x01\r\n\r\n");
    let Poll::Ready(Err(error)) = stand.turn() else { panic!("it was taken for something") };
    assert!(error.is_parse());
    assert!(stand.heard().0.starts_with("HTTP/1.1 400 "));
}
