//! The one integration binary: the program as its users meet it.

mod alarm;
mod crash;
mod floors;
mod gate;
mod harness;
mod key;
mod postfix;
mod store;
mod support;
