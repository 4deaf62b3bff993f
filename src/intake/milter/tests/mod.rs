//! Tests of the room: the codec as properties, the session as a table, the door over real sockets.

mod codec;
mod door;
mod house;
mod session;
mod strangers;
