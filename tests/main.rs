//! The one integration binary: the program as its users meet it.

mod alarm;
mod commands;
mod crash;
mod floors;
mod gate;
mod harness;
mod key;
mod no_leak;
mod postfix;
mod store;
mod support;
