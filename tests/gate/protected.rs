//! Encrypted and signed mail at the gate, made by the programs that people make it with: openssl and gpg.

use super::{BLOCK, CLEAN, ENCRYPTED, HARMLESS, House, NUMBER, PASSED_UNREAD, TEXT, mail, with, with_part};
use brevdue::envelope::Verdict;
use brevdue::policy::LeakAction;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Runs a program on this input; its output.
fn through(folder: &Path, program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("GNUPGHOME", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A folder with a key pair for S/MIME in it.
fn keys() -> TempDir {
    let folder = TempDir::new().unwrap();
    let request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=borger -days 2";
    through(folder.path(), "openssl", &request.split(' ').collect::<Vec<_>>(), b"");
    folder
}

fn openssl(folder: &TempDir, line: &str, subject: &str, content: &str) -> Vec<u8> {
    let mut args: Vec<&str> = line.split(' ').collect();
    args.extend(["-subject", subject, "-from", "s@noerreby.example", "-to", "borger@post.example"]);
    if line.contains("-encrypt") {
        args.push("cert.pem");
    }
    through(folder.path(), "openssl", &args, content.as_bytes())
}

#[test]
fn mail_encrypted_to_its_reader_passes_but_its_subject_is_read() {
    let keys = keys();
    let with_number = format!("Vedr. cpr {NUMBER}");
    for line in [
        "smime -encrypt -aes256",
        "cms -encrypt -aes256",
        "cms -encrypt -aes256 -stream",
        "cms -encrypt -aes-256-gcm",
    ] {
        let house = House::new(with(LeakAction::Block));
        let message = openssl(&keys, line, "Din sag", TEXT);
        assert_eq!(house.verdict(&message), ENCRYPTED, "{line}:\n{}", String::from_utf8_lossy(&message));
        assert!(house.cases().is_empty(), "{line}");
        assert_eq!(house.verdict(&openssl(&keys, line, &with_number, TEXT)), BLOCK, "{line}");
        assert_eq!(house.cases().len(), 1, "{line}");
    }
}

#[test]
fn signed_mail_is_no_protected_mail() {
    let keys = keys();
    let signer = "-signer cert.pem -inkey key.pem";
    for how in [
        "smime -sign",
        "smime -sign -nodetach",
        "cms -sign",
        "cms -sign -nodetach",
        "cms -sign -nodetach -stream",
        "smime -sign -md sha512",
    ] {
        let line = format!("{how} {signer}");
        let house = House::new(with(LeakAction::Block));
        let message = openssl(&keys, &line, "Din sag", TEXT);
        assert_eq!(house.verdict(&message), BLOCK, "{how}:\n{}", String::from_utf8_lossy(&message));
        assert_eq!(house.verdict(&openssl(&keys, &line, "Din sag", HARMLESS)), CLEAN, "{how}");
    }
    // What hides the number inside is read like anywhere else: the signature is opened, and what breaks off in it is held.
    let hidden =
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nQ1BSLW5yLjogMTUwMzc5LTEwMjgK\n";
    let house = House::new(with(LeakAction::Block));
    for how in ["smime -sign -nodetach", "cms -sign -nodetach -stream", "smime -sign"] {
        let message = openssl(&keys, &format!("{how} {signer}"), "Din sag", hidden);
        assert_eq!(house.verdict(&message), BLOCK, "{how}");
    }
    let twice = openssl(&keys, &format!("smime -sign -nodetach {signer}"), "x", hidden);
    let twice = String::from_utf8(twice).unwrap();
    let twice = openssl(&keys, &format!("smime -sign -nodetach {signer}"), "Din sag", &twice);
    assert_eq!(house.verdict(&twice), BLOCK);
    let torn = openssl(&keys, &format!("smime -sign -nodetach {signer}"), "Din sag", HARMLESS);
    let body = torn
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .map_or_else(|| torn.windows(2).position(|w| w == b"\n\n").unwrap() + 2, |at| at + 4);
    assert_eq!(house.verdict(&torn[..body + 64]), Verdict::Hold);
    // Encrypted after it was signed is encrypted; signed after it was encrypted is too.
    let signed = openssl(&keys, &format!("smime -sign {signer}"), "x", TEXT);
    let house = House::new(with(LeakAction::Block));
    let both = openssl(&keys, "smime -encrypt -aes256", "Din sag", &String::from_utf8(signed).unwrap());
    assert_eq!(house.verdict(&both), ENCRYPTED);
}

#[test]
fn pgp_mime_passes_and_pgp_inline_beside_a_number_does_not() {
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let args = "--batch --yes --pinentry-mode loopback --passphrase x --armor --symmetric";
    let armour = through(folder.path(), "gpg", &args.split(' ').collect::<Vec<_>>(), TEXT.as_bytes());
    drop(Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", folder.path()).status());
    let armour = String::from_utf8(armour).unwrap();
    let pgp_mime = |subject: &str, beside: &str| {
        format!(
            "From: <s@noerreby.example>\nSubject: {subject}\nMIME-Version: 1.0\n\
             Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n{beside}\n\
             --b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n\
             --b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n{armour}\n--b--\n"
        )
        .into_bytes()
    };
    let house = House::new(with(LeakAction::Block));
    assert_eq!(house.verdict(&pgp_mime("Din sag", "")), ENCRYPTED);
    assert!(house.cases().is_empty());
    assert_eq!(house.verdict(&pgp_mime(&format!("cpr {NUMBER}"), "")), BLOCK);
    assert_eq!(house.verdict(&pgp_mime("Din sag", &format!("CPR-nr.: {NUMBER}"))), BLOCK, "in the preamble");
    // Called encrypted, and not: read.
    let lie =
        String::from_utf8(pgp_mime("Din sag", "")).unwrap().replace(&armour, &format!("CPR-nr.: {NUMBER}\n"));
    assert_eq!(house.verdict(lie.as_bytes()), BLOCK);
    // Armour that ends, and text behind it within the same part.
    let behind = String::from_utf8(pgp_mime("Din sag", "")).unwrap();
    let behind = behind.replace(&armour, &format!("{armour}CPR-nr.: {NUMBER}\n"));
    assert_eq!(house.verdict(behind.as_bytes()), BLOCK, "behind the armour");
    // The first bytes of an S/MIME envelope and nothing of one behind them.
    let envelope = [
        b"From: <s@noerreby.example>\r\nContent-Type: application/pkcs7-mime\r\n\r\n".as_slice(),
        b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0 CPR-nr.: 150379-1028\r\n",
    ]
    .concat();
    assert_eq!(house.verdict(&envelope), BLOCK, "an envelope in name only");
    // Armour in an ordinary text protects itself and nothing beside it.
    assert_eq!(house.verdict(&mail(5, &armour)), PASSED_UNREAD);
    assert_eq!(house.verdict(&mail(6, &format!("{armour}\r\nCPR-nr.: {NUMBER}"))), BLOCK);
    assert_eq!(house.verdict(&mail(7, &format!("CPR-nr.: {NUMBER}\r\n{armour}"))), BLOCK);
}

#[test]
fn a_label_that_lies_is_not_believed() {
    let keys = keys();
    let relabelled = |line: &str, from: &str, to: &str, content: &str| {
        let message = String::from_utf8(openssl(&keys, line, "Din sag", content)).unwrap();
        assert!(message.contains(from), "{message}");
        message.replace(from, to).into_bytes()
    };
    let (enveloped, signed) = ("smime-type=enveloped-data", "smime-type=signed-data");
    let house = House::new(with(LeakAction::Block));
    let encrypt = "smime -encrypt -aes256";
    let sign = "smime -sign -nodetach -signer cert.pem -inkey key.pem";
    for to in [signed, "smime-type=certs-only", "x=y"] {
        assert_eq!(house.verdict(&relabelled(encrypt, enveloped, to, TEXT)), ENCRYPTED, "{to}");
    }
    assert_eq!(house.verdict(&relabelled(sign, signed, enveloped, TEXT)), BLOCK);
    assert_eq!(house.verdict(&relabelled(sign, signed, enveloped, HARMLESS)), CLEAN);
    // Called anything else, by whole mails and by attachments.
    for label in ["application/octet-stream", "text/plain"] {
        let types = ["application/x-pkcs7-mime", "application/pkcs7-mime"];
        let message = String::from_utf8(openssl(&keys, sign, "Din sag", TEXT)).unwrap();
        let message = types.iter().fold(message, |message, one| message.replace(one, label));
        assert_eq!(house.verdict(message.as_bytes()), BLOCK, "{label}");
    }
}

#[test]
fn pgp_is_known_by_its_first_packet() {
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = |args: &str, input: &str| {
        let args = format!("--batch --yes --pinentry-mode loopback --passphrase x {args}");
        through(folder.path(), "gpg", &args.split(' ').collect::<Vec<_>>(), input.as_bytes())
    };
    through(
        folder.path(),
        "gpg",
        &[
            "--batch",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "x",
            "--quick-gen-key",
            "a@b.example",
            "default",
            "default",
        ],
        b"",
    );
    let to_key = "--trust-model always --recipient a@b.example --encrypt";
    let in_text = |armour: &[u8], beside: &str| {
        mail(9, &format!("Kaere borger\r\n{beside}\r\n{}", String::from_utf8_lossy(armour)))
    };
    let attached = |bytes: &[u8]| {
        let head =
            "Content-Type: application/octet-stream; name=brev.gpg\r\nContent-Transfer-Encoding: base64";
        with_part(head, &data_encoding::BASE64_MIME.encode(bytes))
    };
    let pgp_mime = |armour: &[u8]| {
        format!(
            "From: <s@noerreby.example>\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n\
             --b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n\
             --b\nContent-Type: application/octet-stream\n\n{}\n--b--\n",
            String::from_utf8_lossy(armour)
        )
        .into_bytes()
    };
    for how in [to_key, "--symmetric"] {
        let house = House::new(with(LeakAction::Block));
        let (armour, binary) = (gpg(&format!("--armor {how}"), TEXT), gpg(how, TEXT));
        assert_eq!(house.verdict(&in_text(&armour, "Se nedenfor.")), PASSED_UNREAD, "{how}");
        assert_eq!(house.verdict(&in_text(&armour, &format!("CPR-nr.: {NUMBER}"))), BLOCK, "{how}");
        assert_eq!(house.verdict(&attached(&binary)), PASSED_UNREAD, "{how}");
        assert_eq!(house.verdict(&pgp_mime(&armour)), ENCRYPTED, "{how}");
        // Once beside a number, twice by itself.
        let tally: Vec<_> =
            house.tally().into_iter().map(|(kind, verdict, count)| (kind + ":" + &verdict, count)).collect();
        assert_eq!(tally, [("encrypted:block".to_owned(), 1), ("encrypted:deliver".to_owned(), 2)], "{how}");
    }
    // The same armour round what anybody can read.
    for how in ["--armor --store", "--armor --sign", "--armor --store --compress-algo none"] {
        let house = House::new(with(LeakAction::Block));
        let armour = gpg(how, TEXT);
        assert_eq!(house.verdict(&in_text(&armour, "Se nedenfor.")), Verdict::Hold, "{how}");
        assert_eq!(house.verdict(&mail(10, &String::from_utf8_lossy(&armour))), Verdict::Hold, "{how}");
        assert_eq!(house.verdict(&pgp_mime(&armour)), Verdict::Hold, "{how}");
    }
    // Signed in the clear is text like any other, and a text may speak of armour.
    let house = House::new(with(LeakAction::Block));
    assert_eq!(house.verdict(&mail(11, &String::from_utf8_lossy(&gpg("--clearsign", TEXT)))), BLOCK);
    let spoken = "Linjen -----BEGIN PGP MESSAGE----- begynder den.\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nHej";
    assert_eq!(house.verdict(&mail(12, spoken)), CLEAN);
    drop(Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", folder.path()).status());
}
