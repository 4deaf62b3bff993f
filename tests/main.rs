//! The one integration binary: the program as its users meet it.

mod harness;
mod postfix;
mod support;
