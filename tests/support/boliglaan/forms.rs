//! The mails laid down as an archive has them.

use super::{Dice, Mail, VENDOR};
use std::fs::{File, create_dir_all};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// An mbox ("mboxrd"), with LF as line ends, as mail programs keep them.
pub(crate) fn mbox<'a>(path: &Path, mails: impl Iterator<Item = &'a Mail>) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for mail in mails {
        writeln!(out, "From bounce@{VENDOR} Mon Jan  1 00:00:00 2018")?;
        for line in lines(&mail.bytes()) {
            let quotes = line.iter().take_while(|byte| **byte == b'>').count();
            if line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From ")) {
                out.write_all(b">")?;
            }
            out.write_all(line)?;
            out.write_all(b"\n")?;
        }
        out.write_all(b"\n")?;
    }
    out.into_inner()?.sync_all()
}

/// A Maildir, a third of it in `new`, and something half-written in `tmp`.
pub(crate) fn maildir<'a>(path: &Path, mails: impl Iterator<Item = &'a Mail>) -> io::Result<()> {
    for folder in ["cur", "new", "tmp"] {
        create_dir_all(path.join(folder))?;
    }
    for mail in mails {
        let mut dice = Dice::new(mail.number as u64);
        let (folder, flags) = if dice.once_in(3) { ("new", "") } else { ("cur", ":2,S") };
        let name = format!("{}.M{}P7.mx{flags}", mail.sent, mail.number);
        write(&path.join(folder).join(name), &bare(&mail.bytes()))?;
        if mail.number == 0 {
            write(&path.join("tmp/half"), mail.bytes().get(..300).unwrap_or_default())?;
        }
    }
    Ok(())
}

/// A folder of .eml files, with folders by year as people keep them.
pub(crate) fn tree<'a>(path: &Path, mails: impl Iterator<Item = &'a Mail>) -> io::Result<()> {
    for mail in mails {
        let folder = path.join(format!("{:02}", mail.number % 7));
        create_dir_all(&folder)?;
        write(&folder.join(format!("{:05}.eml", mail.number)), &mail.bytes())?;
    }
    Ok(())
}

/// The journal report that Exchange makes of a mail: the envelope in the first part, the mail attached.
pub(crate) fn journal(mail: &Mail) -> Vec<u8> {
    let to = super::domain(mail.municipality);
    let original = mail.bytes();
    let original = String::from_utf8_lossy(&original);
    // Who got it stands in the envelope only.
    let original = original.replacen(&format!("To: <boliglaan@{to}>"), "To: undisclosed-recipients:;", 1);
    let cover = format!(
        "From: journal@{VENDOR}\r\nTo: arkiv@{VENDOR}\r\nDate: Sat, 1 Jun 2019 00:00:00 +0200\r\nX-MS-Journal-Report:\r\nMIME-Version: 1.0\r\n\
         Message-ID: <journal-{}@{VENDOR}>\r\nContent-Type: multipart/mixed; boundary=\"_journal_\"\r\n\r\n--_journal_\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         Sender: noreply@{VENDOR}\r\nSubject: (ikke vist)\r\nRecipient: boliglaan@{to}\r\n\r\n--_journal_\r\nContent-Type: message/rfc822\r\n\r\n",
        mail.number
    );
    [cover.as_bytes(), original.as_bytes(), b"\r\n--_journal_--\r\n"].concat()
}

/// Ended by LF.
pub(crate) fn bare(mail: &[u8]) -> Vec<u8> {
    lines(mail).flat_map(|line| [line, b"\n"].concat()).collect()
}

fn lines(mail: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = mail.strip_suffix(b"\r\n").unwrap_or(mail);
    body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    File::create(path)?.write_all(bytes)
}
