//! Archives: the files in them, told as they are.

pub(super) mod gzip;
pub(super) mod seven;
pub(super) mod tar;
pub(super) mod zip;
