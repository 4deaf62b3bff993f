//! A receiver of webhooks: stands in for a duty system, and checks what one would check.

use crate::support::identity::Identity;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

/// A post: its head, and its body.
pub(super) type Post = (String, String);

/// Listens while the process lives.
pub(super) struct Receiver {
    pub(super) addr: SocketAddr,
    posts: Arc<Mutex<Vec<Post>>>,
    answer: Arc<AtomicU16>,
}

impl Receiver {
    pub(super) fn start(tls: Option<Identity>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            addr: listener.local_addr().unwrap(),
            posts: Arc::default(),
            answer: Arc::new(AtomicU16::new(204)),
        };
        let (posts, answer) = (Arc::clone(&receiver.posts), Arc::clone(&receiver.answer));
        let tls = tls.map(Identity::into_server_config);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let code = answer.load(Ordering::SeqCst);
                let post = match &tls {
                    None => exchange(stream, code),
                    Some(config) => {
                        let connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
                        exchange(rustls::StreamOwned::new(connection, stream), code)
                    }
                };
                posts.lock().unwrap().extend(post);
            }
        });
        receiver
    }

    pub(super) fn answer_with(&self, code: u16) {
        self.answer.store(code, Ordering::SeqCst);
    }

    pub(super) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }
}

/// `None` when the client went away first.
fn exchange(mut stream: impl Read + Write, code: u16) -> Option<Post> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        read.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            stream.write_all(format!("HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n").as_bytes()).ok()?;
            stream.flush().ok()?;
            return Some((head.to_owned(), body.to_owned()));
        }
    }
}

/// A header's value.
pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
