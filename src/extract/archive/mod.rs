//! Archives: the files in them, told as they are.

pub(super) mod zip;
