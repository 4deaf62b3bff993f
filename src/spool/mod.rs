//! What we keep as files: the sealed numbers of breaches.
//!
//! Files and not rows, because what is sealed must be on disk before the row that speaks of it, and because a
//! stolen copy of the database must hold none of it. The mail we hold comes here with the doors that hold
//! mail; a milter leaves it with the mail server. Start reading at [`evidence`].

pub mod durable;
pub mod evidence;
