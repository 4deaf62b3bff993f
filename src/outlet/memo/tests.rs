//! A mail becomes a letter, or is said not to: documents, order, numbers, outbox.

use super::content::NotTaken;
use super::*;
use data_encoding::BASE64;
use std::os::unix::fs::PermissionsExt;

const NUMBER: &str = "150379-1028";

fn settings() -> Settings {
    Settings {
        outbox: PathBuf::new(),
        sender: None,
        system: "Brevdue".to_owned(),
        label: "Brev".to_owned(),
        notification: None,
        additional_notification: None,
        file_types: Settings::FILE_TYPES.iter().map(ToString::to_string).collect(),
        max_bytes: 1_000_000,
        mappings: Vec::new(),
    }
}

fn taken(mail: &str) -> Result<Documents, NotTaken> {
    Documents::of(&mut mail.as_bytes(), &settings())
}

fn unfit(mail: &str, settings: &Settings) -> Unfit {
    match Documents::of(&mut mail.as_bytes(), settings) {
        Err(NotTaken::Unfit(unfit)) => unfit,
        Err(NotTaken::Io(error)) => panic!("{error}"),
        Ok(_) => panic!("it was taken"),
    }
}

fn today() -> Day {
    Day::new(2026, 11, 22).unwrap()
}

fn made(documents: &Documents, label: &str, recipient: &Recipient) -> Result<Checked, Unfit> {
    let sender = Party { cvr: "12345678".into(), label: "Nørreby Kommune & Co".into() };
    let letter = Letter {
        uuid: &uuid([0xAB; 16]),
        sender: &sender,
        system: "Brevdue",
        recipient,
        label,
        notification: Some("Du har fået post"),
        additional_notification: None,
        created: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
    };
    letter.make(documents, &Arc::new(Ruleset::built_in().unwrap()), today())
}

fn person() -> Recipient {
    Recipient::person(b"0101901234")
}

const MAIL: &str = "From: <a@kommune.example>\r\nTo: <borger@post.example>\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\n\
    Subject: =?utf-8?Q?Sag_om_150379-1028?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
    hidden from readers\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
    --a\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    K=E6re borger, CPR-nr. 150379-1028\r\n--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Kære borger</p>\r\n--a--\r\n\
    --m\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"150379-1028.pdf\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n\
    --m\r\nContent-Type: image/png; name=\"../logo\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--m--\r\n";

/// The texts between these tags, in order.
fn all<'a>(message: &'a str, name: &str) -> Vec<&'a str> {
    let (start, end) = (format!("<memo:{name}>"), format!("</memo:{name}>"));
    message.split(start.as_str()).skip(1).filter_map(|rest| rest.split(end.as_str()).next()).collect()
}

#[test]
fn a_mail_becomes_documents_and_a_number_stands_in_them_and_in_the_recipient_alone() {
    let letter = made(&taken(MAIL).ok().unwrap(), "Brev fra Nørreby", &person()).unwrap();
    let message = letter.message();
    assert!(message.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<memo:Message xmlns:memo=\"https://DigitalPost.dk/MeMo-1\" memoVersion=\"1.2\">"));
    let names = ["meddelelse.txt", "meddelelse.html", "bilag-1.pdf", "logo.png", "oplysninger-om-mailen.txt"];
    assert_eq!(all(message, "filename"), names);
    assert_eq!(
        all(message, "encodingFormat"),
        ["text/plain", "text/html", "application/pdf", "image/png", "text/plain"]
    );
    assert_eq!(all(message, "recipientID"), ["0101901234"]);
    assert_eq!((all(message, "MainDocument").len(), all(message, "AdditionalDocument").len()), (1, 3));
    let content: Vec<Vec<u8>> =
        all(message, "content").iter().map(|text| BASE64.decode(text.as_bytes()).unwrap()).collect();
    let text = |at: usize| std::str::from_utf8(&content[at]).unwrap();
    assert_eq!(text(0).trim_end(), format!("Kære borger, CPR-nr. {NUMBER}"));
    assert_eq!(text(1).trim_end(), "\u{FEFF}<p>Kære borger</p>");
    assert_eq!(content[2], b"%PDF-1.4\n");
    let about = text(4);
    for line in [
        "Fra: <a@kommune.example>",
        "Til: <borger@post.example>",
        "Emne: Sag om 150379-1028",
        "Dato: Mon, 2 Nov 2026 08:00:00 +0100",
        "bilag-1.pdf hed i mailen: 150379-1028.pdf",
    ] {
        assert!(about.lines().any(|one| one == line), "{line}: {about}");
    }
    // In no place that is read before the letter is opened.
    assert!(!message.contains("150379") && message.contains("Nørreby Kommune &amp; Co"));
    assert!(!format!("{:?}", person()).contains("0101"));
}

#[test]
fn a_mail_without_a_text_or_with_one_file_is_a_letter_too() {
    let letter =
        |mail: &str| made(&taken(mail).ok().unwrap(), "Brev", &person()).unwrap().message().to_owned();
    let empty = letter("Subject: hej\r\n\r\n\r\n");
    assert_eq!(all(&empty, "filename"), ["oplysninger-om-mailen.txt"]);
    let file = letter("Subject: hej\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF-1.4\r\n");
    assert_eq!(all(&file, "filename"), ["oplysninger-om-mailen.txt", "a.pdf"]);
    let signed = letter(
        "Subject: hej\r\nContent-Type: multipart/signed; boundary=m\r\n\r\n--m\r\n\r\nhej\r\n--m\r\n\
         Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nx\r\n--m--\r\n",
    );
    assert_eq!(all(&signed, "filename"), ["meddelelse.txt", "oplysninger-om-mailen.txt"]);
    let plain = letter("Subject: hej\r\n\r\nK\u{e6}re A\r\n");
    assert_eq!(all(&plain, "filename"), ["meddelelse.txt", "oplysninger-om-mailen.txt"]);
}

#[test]
fn what_digital_post_does_not_take_is_said_without_a_word_of_the_mail() {
    let part = |headers: &str, body: &str| {
        format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nhej\r\n--m\r\n{headers}\r\n\r\n{body}\r\n--m--\r\n"
        )
    };
    let program = part("Content-Type: application/x-150379-1028", "x");
    let said = unfit(&program, &settings()).to_string();
    assert!(said.contains("application/x-******-****") && !said.contains("1503"), "{said}");
    let sealed = part("Content-Type: application/pkcs7-mime; smime-type=enveloped-data", "x");
    assert!(matches!(unfit(&sealed, &settings()), Unfit::FileType(_)));
    let small = Settings { max_bytes: 10, ..settings() };
    assert_eq!(unfit("\r\nmore than ten bytes\r\n", &small), Unfit::TooLarge(10));
    let torn = part("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64", "JVBERi0x!!LjQK");
    assert!(matches!(unfit(&torn, &settings()), Unfit::Doubtful(_)));
    assert!(matches!(
        unfit("Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nhej\r\n", &settings()),
        Unfit::Doubtful(_)
    ));
}

#[test]
fn a_number_in_the_title_is_never_written() {
    let documents = taken("Subject: x\r\n\r\nhej\r\n").ok().unwrap();
    for label in ["Sag 150379-1028", "CPR 1503791028", "150379 1028"] {
        let unfit = made(&documents, label, &person()).err().unwrap();
        assert_eq!(unfit, Unfit::Number("Message/MessageHeader/label".to_owned()), "{label}");
        assert!(!unfit.to_string().contains("1028"));
    }
    assert!(matches!(made(&documents, "", &person()), Err(Unfit::Invalid(_))));
}

#[test]
fn a_message_that_breaks_the_order_is_refused() {
    let documents = taken(MAIL).ok().unwrap();
    let cvr = Recipient::organisation("87654321").unwrap();
    let good = made(&documents, "Brev", &cvr).unwrap().message().to_owned();
    assert!(check::read(&good).is_ok());
    let element = |name: &str| {
        let (start, end) = (format!("<memo:{name}>"), format!("</memo:{name}>\n"));
        let inner = good.split_once(&start).and_then(|(_, rest)| rest.split_once(&end)).unwrap().0;
        format!("{start}{inner}{end}")
    };
    // Each element that must be there, left out and put in twice; and one before its elder.
    for name in [
        "MessageHeader",
        "messageType",
        "messageUUID",
        "label",
        "Sender",
        "senderID",
        "Recipient",
        "recipientID",
        "idType",
        "createdDateTime",
        "MainDocument",
        "File",
        "encodingFormat",
        "filename",
        "language",
        "content",
        "generatingSystemID",
    ] {
        let one = element(name);
        let without = good.replacen(&one, "", 1);
        // A main document may have two files, so one of them may go.
        assert!(check::read(&without).is_err() || name == "File", "without {name}");
        let twice = good.replacen(&one, &format!("{one}{one}"), 1);
        assert!(check::read(&twice).is_err() || name == "File", "twice {name}");
    }
    for (from, to) in [
        ("https://DigitalPost.dk/MeMo-1", "https://DigitalPost.dk/MeMo-2"),
        ("memoVersion=\"1.2\"", "memoVersion=\"1.1\""),
        ("DIGITALPOST", "BREV"),
        ("-4bab-", "-1bab-"),
        ("<memo:language>da<", "<memo:language>dan<"),
        ("<memo:mandatory>false<", "<memo:mandatory>no<"),
        ("<memo:recipientID>87654321<", "<memo:recipientID>1503791028<"),
        ("<memo:label>Brev<", "<memo:label><"),
        ("<memo:label>Brev<", "<memo:label>Br<memo:x></memo:x>ev<"),
        ("<memo:content>", "<memo:content>&amp;"),
        ("<memo:MessageBody>", "<memo:MessageBody>text"),
        ("<memo:MessageBody>", "<!-- x --><memo:MessageBody>"),
        ("<memo:MessageBody>", "<memo:MessageBody><memo:TechnicalDocument></memo:TechnicalDocument>"),
        ("Z</memo:createdDateTime>", "+01:00</memo:createdDateTime>"),
        ("</memo:Message>", ""),
        ("memo:File>", "x:File>"),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(check::read(&good.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn an_outbox_has_a_letter_once_and_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("out");
    let letter = made(&taken(MAIL).ok().unwrap(), "Brev", &person()).unwrap();
    let files = || std::fs::read_dir(&outbox).unwrap().count();
    assert!(matches!(letter.file(&outbox), Err(NotFiled::Io { .. })), "it is not made here");
    std::fs::create_dir(&outbox).unwrap();
    std::fs::set_permissions(&outbox, std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = letter.file(&outbox).unwrap_err().to_string();
    assert!(error.contains("chmod o=") && files() == 0, "{error}");
    std::fs::set_permissions(&outbox, std::fs::Permissions::from_mode(0o750)).unwrap();
    // Of a try that was killed.
    std::fs::File::create(outbox.join(".abababab-abab-4bab-abab-abababababab.draft")).unwrap();
    let filed = letter.file(&outbox).unwrap();
    assert_eq!(filed.path().file_name().unwrap(), "abababab-abab-4bab-abab-abababababab.xml");
    assert_eq!(std::fs::read_to_string(filed.path()).unwrap(), letter.message());
    assert_eq!(filed.path().metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!((letter.file(&outbox).unwrap(), files()), (filed, 1));
}
