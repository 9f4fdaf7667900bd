//! Serves the page and its bodies over HTTP, to this machine only.

use super::clip::Clip;
use anyhow::{Context, Result};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Router, serve as run};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use viz::page::{self, Frame, PIECE};

/// Memory for snapshots that have been read [bytes]. At least one is kept.
const MEMORY: usize = 1 << 30;

/// State that all requests share.
struct Shelf {
    clip: Clip,
    /// The most recently requested snapshots, the latest at the end.
    frames: Mutex<Vec<(usize, Arc<Frame>)>>,
}

/// Serves until the program ends. Calls `tell` with the address once it listens.
///
/// # Errors
/// If the port cannot be used.
pub(super) fn serve(clip: Clip, port: u16, tell: impl FnOnce(SocketAddr)) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let cannot = || format!("cannot serve at port {port} of this machine");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(cannot)?;
        tell(listener.local_addr()?);
        Ok(run(listener, router(clip)).await?)
    })
}

fn router(clip: Clip) -> Router {
    let shelf = Arc::new(Shelf { clip, frames: Mutex::default() });
    Router::new()
        .route("/", get(async |State(shelf): State<Arc<Shelf>>| Html(shelf.clip.description.served_page())))
        .route(
            "/kinds",
            get(async |State(shelf): State<Arc<Shelf>>| bytes(shelf.clip.description.choice.kinds.clone())),
        )
        .route(
            "/galaxies",
            get(async |State(shelf): State<Arc<Shelf>>| {
                bytes(shelf.clip.description.galaxies.as_ref().map_or(Vec::new(), |(of, _)| of.clone()))
            }),
        )
        .route("/frames/{number}/{piece}", get(piece))
        .layer(from_fn(to_this_machine))
        .with_state(shelf)
}

/// Refuses requests whose host name is not that of this machine, as in DNS rebinding attacks. Also
/// forbids browsers to pass responses to other pages.
async fn to_this_machine(request: Request, next: Next) -> Response {
    let mut response = if is_for_this_machine(&request) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "only 127.0.0.1 and localhost are served\n").into_response()
    };
    let policy = HeaderValue::from_str(&page::policy()).expect("the policy is plain text");
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ] {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Whether a request has exactly one host, and it is this machine. The port may differ from ours,
/// as with a tunnel from another machine.
fn is_for_this_machine(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let is_ours = |host: &str| {
        let (name, port) = host.split_once(':').unwrap_or((host, "80"));
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        matches!(name, "127.0.0.1" | "localhost") && digits && port.parse::<u16>().is_ok()
    };
    // A request may also name the host in its first line.
    let named = request.uri().authority();
    host.to_str().is_ok_and(is_ours) && named.is_none_or(|named| is_ours(named.as_str()))
}

async fn piece(State(shelf): State<Arc<Shelf>>, Path((number, piece)): Path<(usize, usize)>) -> Response {
    let (frames, count) = (shelf.clip.frames(), shelf.clip.description.choice.len());
    if number >= frames || piece >= count.div_ceil(PIECE) {
        return (StatusCode::NOT_FOUND, "there is no such piece\n").into_response();
    }
    let bodies = piece * PIECE..count.min((piece + 1) * PIECE);
    match spawn_blocking(move || shelf.frame(number)).await {
        Ok(Ok(frame)) => bytes(frame.bytes(bodies)),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
        Err(panic) => (StatusCode::INTERNAL_SERVER_ERROR, panic.to_string()).into_response(),
    }
}

fn bytes(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}

impl Shelf {
    /// Returns a snapshot, read from disk if it is not in memory. Concurrent requests wait.
    fn frame(&self, number: usize) -> Result<Arc<Frame>> {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match frames.iter().position(|(other, _)| *other == number) {
            Some(place) => frames.remove(place),
            None => (number, Arc::new(self.clip.frame(number)?)),
        };
        let frame = entry.1.clone();
        let room = (MEMORY / frame.size().max(1)).max(1) - 1;
        let surplus = frames.len().saturating_sub(room);
        frames.drain(..surplus);
        frames.push(entry);
        Ok(frame)
    }
}
