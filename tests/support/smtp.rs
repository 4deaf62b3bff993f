//! A small SMTP client: what a user's mail program or an application says to the relay.
//!
//! It sends the message's bytes as they are, with dots stuffed, and passes the server's words back. No TLS, no pipelining.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Trouble;

/// Postfix itself waits up to 120 s for a milter; a test that waits longer for one line has failed.
const PATIENCE: Duration = Duration::from_secs(150);

/// What a server said: the code, and the text of each line without the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) lines: Vec<String>,
}

impl Reply {
    pub(crate) fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// All lines as one text, for `contains` in a test.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// Sends one message over a session of its own; the answer is as for [`Session::send`].
pub(crate) fn send(
    addr: SocketAddr,
    from: &str,
    recipients: &[&str],
    message: &[u8],
) -> Result<Reply, Trouble> {
    let mut session = Session::open(addr)?;
    let reply = session.send(from, recipients, message)?;
    session.quit()?;
    Ok(reply)
}

/// One connection, for many messages.
pub(crate) struct Session {
    stream: BufReader<TcpStream>,
}

impl Session {
    /// Connects and greets. A server that does not welcome us is an error here.
    pub(crate) fn open(addr: SocketAddr) -> Result<Self, Trouble> {
        let stream =
            TcpStream::connect(addr).map_err(Trouble::while_doing(format_args!("connecting to {addr}")))?;
        stream.set_nodelay(true).map_err(Trouble::while_doing("TCP_NODELAY"))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(Trouble::while_doing("read timeout"))?;
        let mut session = Self { stream: BufReader::new(stream) };
        let greeting = session.reply()?;
        if greeting.code != 220 {
            return Err(Trouble::new(format!("{addr} greets with {greeting:?}")));
        }
        let hello = session.command("EHLO client.kommune.example")?;
        if hello.code != 250 {
            return Err(Trouble::new(format!("{addr} answers EHLO with {hello:?}")));
        }
        Ok(session)
    }

    /// Sends one message: the reply to its end, or the first refusal before that (then the session is reset).
    ///
    /// The message is sent as it stands, LF or CRLF; a last line without an end gets one.
    pub(crate) fn send(&mut self, from: &str, recipients: &[&str], message: &[u8]) -> Result<Reply, Trouble> {
        let mut envelope = vec![format!("MAIL FROM:<{from}>")];
        envelope.extend(recipients.iter().map(|to| format!("RCPT TO:<{to}>")));
        envelope.push("DATA".to_owned());
        for line in &envelope {
            let reply = self.command(line)?;
            if !reply.is_positive() {
                self.command("RSET")?;
                return Ok(reply);
            }
        }
        self.write(&stuffed(message))?;
        self.reply()
    }

    /// The envelope and DATA, up to the 354; what follows goes by [`Session::write`].
    pub(crate) fn begin(&mut self, from: &str, recipients: &[&str]) -> Result<(), Trouble> {
        let mut envelope = vec![format!("MAIL FROM:<{from}>")];
        envelope.extend(recipients.iter().map(|to| format!("RCPT TO:<{to}>")));
        envelope.push("DATA".to_owned());
        for line in &envelope {
            let reply = self.command(line)?;
            if !reply.is_positive() {
                return Err(Trouble::new(format!("{line}: {reply:?}")));
            }
        }
        Ok(())
    }

    /// Says one line and reads the answer, for what `send` does not do.
    pub(crate) fn command(&mut self, line: &str) -> Result<Reply, Trouble> {
        self.write(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    /// Says goodbye and waits for the answer, so that the server has seen the whole session.
    pub(crate) fn quit(mut self) -> Result<(), Trouble> {
        self.command("QUIT").map(drop)
    }

    /// One write a call: a small packet waiting for the peer's ACK would measure Nagle, not the server.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.stream.get_mut().write_all(bytes).map_err(Trouble::while_doing("writing to the SMTP server"))
    }

    pub(crate) fn reply(&mut self) -> Result<Reply, Trouble> {
        let mut reply = Reply { code: 0, lines: Vec::new() };
        loop {
            let mut raw = Vec::new();
            self.stream
                .read_until(b'\n', &mut raw)
                .map_err(Trouble::while_doing("reading the SMTP server's reply"))?;
            let line = String::from_utf8_lossy(&raw);
            let line = line.trim_end_matches(['\r', '\n']);
            if raw.is_empty() {
                return Err(Trouble::new(format!("the SMTP server closed the connection after {reply:?}")));
            }
            let malformed = || Trouble::new(format!("not an SMTP reply: {line:?}"));
            let (code, rest) = line.split_at_checked(3).ok_or_else(malformed)?;
            reply.code = code.parse().map_err(|_| malformed())?;
            reply.lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if !rest.starts_with('-') {
                return Ok(reply);
            }
        }
    }
}

/// The message as it goes over the wire, up to and with the closing dot (RFC 5321 §4.5.2).
pub(crate) fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    if !wire.is_empty() && !wire.ends_with(b"\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use super::stuffed;

    #[test]
    fn a_line_that_begins_with_a_dot_gets_another() {
        assert_eq!(stuffed(b"a\r\n.\r\n..b\r\nc.\r\n"), b"a\r\n..\r\n...b\r\nc.\r\n.\r\n");
        assert_eq!(stuffed(b".a"), b"..a\r\n.\r\n");
        assert_eq!(stuffed(b""), b".\r\n");
    }
}
