//! The codec and the state machine, without a socket. Over sockets: `tests/relay.rs` and `tests/smtp_door.rs`.

mod codec;
mod session;
