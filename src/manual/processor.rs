//! One relay for many controllers (GDPR art. 28).
//!
//! For many controllers. A processor's relay gives each `[[controller]]` its `recipients` and `sources`: a mail to two of them is
//! a case of each, with its own counts and clock, in one incident. With `[alarm] processor` their notices say who sends them
//! (GDPR art. 33(2)) and carry the facts as JSON.
