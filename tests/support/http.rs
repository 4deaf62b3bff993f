//! Just enough of an HTTP client for the console's pages.

use super::Trouble;
use std::io::{Read, Write};

/// Asks for a page over a stream and reads to its end: status line and headers, and the page.
pub(crate) fn get(
    mut stream: impl Read + Write,
    path: &str,
    accept: &str,
) -> Result<(String, String), Trouble> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(Trouble::while_doing("asking the console"))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(Trouble::while_doing("the console's answer"))?;
    let (head, page) =
        answer.split_once("\r\n\r\n").ok_or_else(|| Trouble::new(format!("no HTTP: {answer}")))?;
    Ok((head.to_owned(), page.to_owned()))
}
