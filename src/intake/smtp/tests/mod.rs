//! The codec and the state machine without a socket, and the door with a scripted gate. With the real one: `tests/relay.rs` and `tests/smtp_door.rs`.

mod codec;
mod door;
mod session;
