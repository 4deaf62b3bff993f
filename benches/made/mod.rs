//! Mail for the benches, made by code: always the same bytes, no person's number in it.
//!
//! A mail is one leaf in one transfer encoding, so that a row of the table is about one thing; [`mixed`] is a working
//! day's outgoing mail. Texts have the digits that municipal mail has: dates, case numbers, telephone numbers.

#![allow(clippy::format_push_string, reason = "made before anything is measured")]
#![allow(dead_code, reason = "each bench uses some of it")]

pub(crate) mod hostile;

/// How the leaf is wrapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrap {
    Eight,
    Quoted,
    Base64,
}

/// A small generator of numbers; the same every time (Knuth's MMIX constants).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

const WORDS: [&str; 40] = [
    "kommunen",
    "og",
    "ansøgning",
    "at",
    "borgeren",
    "det",
    "en",
    "som",
    "på",
    "til",
    "møde",
    "vi",
    "har",
    "modtaget",
    "din",
    "henvendelse",
    "om",
    "sagen",
    "afgørelse",
    "bliver",
    "sendt",
    "inden",
    "for",
    "fire",
    "uger",
    "venlig",
    "hilsen",
    "forvaltningen",
    "børn",
    "unge",
    "skole",
    "oplysninger",
    "vedrørende",
    "ydelse",
    "ændring",
    "behandlet",
    "af",
    "nævnet",
    "ikke",
    "kan",
];

fn digits(dice: &mut Dice, out: &mut String) {
    let (a, b, c) = (dice.roll(28) + 1, dice.roll(12) + 1, dice.roll(9999));
    *out += &match dice.roll(5) {
        0 => format!("{a}. {b}. 2024"),
        1 => format!("{a:02}-{b:02}-2025"),
        2 => format!("sag 20{a:02}-{c:06}"),
        3 => format!("tlf. {a:02} {b:02} {:02} {:02}", c % 100, c / 100),
        _ => format!("{c},00 kr."),
    };
}

/// Danish prose of about this many bytes, lines of some 75.
pub(crate) fn prose(bytes: usize, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let mut text = String::with_capacity(bytes + 100);
    let mut line = 0;
    while text.len() < bytes {
        let start = text.len();
        if dice.roll(25) == 0 {
            digits(&mut dice, &mut text);
        } else {
            text.push_str(WORDS[usize::try_from(dice.roll(40)).unwrap_or(0)]);
        }
        line += text.len() - start + 1;
        if line > 70 {
            text.push_str("\r\n");
            line = 0;
        } else {
            text.push(' ');
        }
    }
    text
}

/// A mail as office programs write it: tables, styles, colours as hex.
pub(crate) fn html(bytes: usize, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let mut text = String::from("<!DOCTYPE html>\r\n<html><head><meta charset=\"utf-8\"></head><body>\r\n");
    while text.len() < bytes {
        let (colour, width) = (dice.roll(0xff_ffff), dice.roll(600));
        let inner = prose(60, dice.roll(1 << 30));
        text += &format!(
            "<tr><td style=\"color:#{colour:06x};width:{width}px;padding:0 4px 0 {}px;font-family:Calibri,sans-serif\">\
             <p class=\"MsoNormal\">{}&nbsp;</p></td></tr>\r\n",
            dice.roll(30),
            inner.trim_end()
        );
    }
    text.push_str("</body></html>\r\n");
    text
}

/// Rows of a register: ids, dates, amounts; with `persons` a made-up CPR number in each.
pub(crate) fn csv(bytes: usize, persons: bool, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let mut text = String::from("loebenr;dato;konto;beloeb;tekst;postnr;nummer\r\n");
    while text.len() < bytes {
        let (row, day, month) = (dice.roll(1 << 30), dice.roll(28) + 1, dice.roll(12) + 1);
        text += &format!(
            "{row};{day:02}-{month:02}-2024;{};{},{:02};udbetaling {};{};",
            dice.roll(90_000_000) + 10_000_000,
            dice.roll(100_000),
            dice.roll(100),
            WORDS[usize::try_from(dice.roll(40)).unwrap_or(0)],
            dice.roll(9000) + 1000,
        );
        if persons {
            text += &format!("{day:02}{month:02}{:02}-{:04}", dice.roll(100), dice.roll(10_000));
        } else {
            text += &format!("{}", dice.roll(90_000) + 10_000);
        }
        text.push_str("\r\n");
    }
    text
}

/// How the numbers of [`list`] stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// One a line and nothing else.
    Bare,
    /// In a column of a table with headings.
    Column,
    /// Behind a name, in prose.
    Named,
}

/// As many made-up numbers that pass modulus 11, one a line.
pub(crate) fn list(count: usize, lines: Lines, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let mut text = String::from(match lines {
        Lines::Bare => "CPR-numre:\r\n",
        Lines::Column => "Navn;CPR-nr.;Vej;Postnr.;By\r\n",
        Lines::Named => "Vi har modtaget ansøgninger fra disse borgere:\r\n",
    });
    for _ in 0..count {
        let mut word = || WORDS[usize::try_from(dice.roll(40)).unwrap_or(0)];
        let (first, last, street) = (word(), word(), word());
        let date = [dice.roll(28) + 1, dice.roll(12) + 1, dice.roll(70) + 30];
        let number = number(&mut dice, date);
        text += &match lines {
            Lines::Bare => format!("{number}\r\n"),
            Lines::Column => {
                format!("{first} {last};{number};{street} {};{};{last}\r\n", date[0], dice.roll(9000) + 1000)
            }
            Lines::Named => format!("{first} {last}, {number}, {street} {}\r\n", date[1]),
        };
    }
    text
}

/// A made-up number of this date that passes modulus 11.
fn number(dice: &mut Dice, date: [u64; 3]) -> String {
    let digits = |number: u64| [number / 10, number % 10];
    // The weights of modulus 11; the last digit makes the sum fit, unless it would have to be ten.
    loop {
        let serial = dice.roll(400);
        let head = date.into_iter().flat_map(digits).chain([serial / 100, serial / 10 % 10, serial % 10]);
        let sum: u64 = head.zip([4, 3, 2, 7, 6, 5, 4, 3, 2]).map(|(digit, weight)| digit * weight).sum();
        if sum % 11 != 1 {
            let last = (11 - sum % 11) % 11;
            break format!("{:02}{:02}{:02}-{serial:03}{last}", date[0], date[1], date[2]);
        }
    }
}

/// Ten thousand such numbers, each between these two texts and nothing else: what somebody would send to slow a scan down.
pub(crate) fn dense(before: &str, after: &str) -> String {
    let mut dice = Dice::new(8);
    let mut one = || {
        let date = [dice.roll(28) + 1, dice.roll(12) + 1, dice.roll(70) + 30];
        format!("{before}{}{after}", number(&mut dice, date))
    };
    (0..10_000).map(|_| one()).collect()
}

/// What starts like a PDF and goes on without sense.
pub(crate) fn pdf(bytes: usize, seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut data = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    data.extend((data.len()..bytes).map(|_| u8::try_from(dice.roll(256)).unwrap_or(0)));
    data
}

/// A whole mail with this one leaf.
pub(crate) fn mail(media: &str, wrap: Wrap, content: &[u8]) -> Vec<u8> {
    let name = match wrap {
        Wrap::Eight => "8bit",
        Wrap::Quoted => "quoted-printable",
        Wrap::Base64 => "base64",
    };
    let mut mail =
        format!("{HEADERS}Content-Type: {media}\r\nContent-Transfer-Encoding: {name}\r\n\r\n").into_bytes();
    match wrap {
        Wrap::Eight => mail.extend_from_slice(content),
        Wrap::Quoted => quoted(content, &mut mail),
        Wrap::Base64 => base64(content, &mut mail),
    }
    mail
}

const HEADERS: &str = "Received: from mail.kommune.example (mail.kommune.example [192.0.2.7])\r\n\
    \tby relay.kommune.example (Postfix) with ESMTPS id 4XyzAB12cd\r\n\
    \tfor <bo@borger.example>; Mon,  2 Nov 2026 08:00:00 +0100 (CET)\r\n\
    From: =?utf-8?Q?B=C3=B8rn_og_Unge?= <boern@kommune.example>\r\nTo: Bo Borger <bo@borger.example>\r\n\
    Subject: =?utf-8?B?VmVkci4gZGluIGFuc8O4Z25pbmc=?=\r\nDate: Mon, 2 Nov 2026 08:00:00 +0100\r\n\
    Message-ID: <20261102080000.4XyzAB12cd@kommune.example>\r\nMIME-Version: 1.0\r\n";

/// The header block of a mail that has come through a cloud and a list, and nothing below it: 34 fields.
pub(crate) fn headers() -> Vec<u8> {
    let signature = "bh=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg=;\r\n\
        \tb=Q1BSLW5yLiBvZyBuYXZuIGhhciBpbnRldCBoZXIgYXQgZ/ohcmUgZGVuIGVyIGJhcmUgbGFuZyBu\r\n\
        \t b2sgdGlsIGF0IGZ5bGRlIGVuIGxpbmplIGVsbGVyIHRyZSBpIGVuIGhlYWRlciBzb20gaW5nZW4gb\r\n\
        \t GFlc2VyIG9nIHNvbSBhbGxlIHNlbmRlciBtZWQgaHZlciBtYWlsIGRlIHNlbmRlcg==\r\n";
    let id = "AM0PR05MB4321.eurprd05.prod.outlook.example";
    let mut text = HEADERS.to_owned();
    for hop in 1..=4 {
        text += &format!(
            "Received: from mail{hop}.kommune.example (2603:10a6:208:{hop}2::19)\r\n by {id}\r\n (2603:10a6:208:3{hop}::7) \
             with Microsoft SMTP Server (version=TLS1_2,\r\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.{hop}091.2; \
             Mon, 2 Nov\r\n 2026 08:00:0{hop} +0000\r\n"
        );
    }
    for name in ["DKIM-Signature", "ARC-Message-Signature", "X-Google-DKIM-Signature"] {
        text += &format!(
            "{name}: v=1; a=rsa-sha256; c=relaxed/relaxed; d=kommune.example;\r\n\ts=selector1; h=From:Date:Subject:Message-ID;\r\n\t{signature}"
        );
    }
    text += &format!(
        "ARC-Seal: i=1; a=rsa-sha256; s=arcselector9901; d=microsoft.example; cv=none;\r\n\t{signature}"
    );
    for name in ["ARC-Authentication-Results", "Authentication-Results"] {
        text += &format!(
            "{name}: i=1; mx.microsoft.example 1; spf=pass\r\n smtp.mailfrom=kommune.example; dmarc=pass action=none\r\n header.from=kommune.example; dkim=pass header.d=kommune.example; arc=none\r\n"
        );
    }
    for (name, value) in [
        ("Thread-Topic", "Vedr. din ansøgning"),
        ("Thread-Index", "AdXyZ1234567890abcdefghijklmnopqrstuv=="),
        ("In-Reply-To", "<20261101070000.4XyzAB12cc@kommune.example>"),
        (
            "References",
            "<20261101070000.4XyzAB12cc@kommune.example>\r\n <20261031070000.4XyzAB12cb@kommune.example>",
        ),
        ("Accept-Language", "da-DK, en-US"),
        ("Content-Language", "da-DK"),
        ("X-MS-Has-Attach", ""),
        ("X-MS-TNEF-Correlator", ""),
        ("X-MS-PublicTrafficType", "Email"),
        ("X-MS-TrafficTypeDiagnostic", "AM0PR05MB4321:EE_|DB7PR05MB1234:EE_"),
        ("X-MS-Office365-Filtering-Correlation-Id", "1f2e3d4c-5b6a-7988-a7b6-08dbe1234567"),
        ("X-MS-Exchange-SenderADCheck", "1"),
        ("X-MS-Exchange-AntiSpam-Relay", "0"),
        ("X-Microsoft-Antispam", "BCL:0;ARA:13230031|366004|376005|1800799009|38070700009"),
        (
            "X-Forefront-Antispam-Report",
            "CIP:255.255.255.255;CTRY:;LANG:da;SCL:1;SRV:;IPV:NLI;SFV:NSPM;\r\n H:AM0PR05MB4321.eurprd05.prod.outlook.example;PTR:;CAT:NONE;SFS:(13230031);DIR:OUT",
        ),
        ("X-OriginatorOrg", "kommune.example"),
        ("X-Mailer", "Microsoft Outlook 16.0"),
        ("X-Sagsnummer", "KMD-2026-004711"),
        ("Importance", "Normal"),
        ("List-Unsubscribe", "<mailto:af@kommune.example?subject=unsubscribe>"),
    ] {
        text += &format!("{name}: {value}\r\n");
    }
    (text + "Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
        .into_bytes()
}

/// A mail of many small parts: what a part costs.
pub(crate) fn parts(count: usize) -> Vec<u8> {
    let mut mail = format!("{HEADERS}Content-Type: multipart/mixed;\r\n boundary=\"----=_NextPart_000_0012_01DA0D7C.5F3E2A10\"\r\n\r\nDette er en mail i flere dele.\r\n").into_bytes();
    for _ in 0..count {
        mail.extend_from_slice(b"\r\n------=_NextPart_000_0012_01DA0D7C.5F3E2A10\r\nContent-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nHej Bo. Vi ses.\r\n");
    }
    mail.extend_from_slice(b"\r\n------=_NextPart_000_0012_01DA0D7C.5F3E2A10--\r\n");
    mail
}

/// A working day: letters of a few KB in all encodings, every eighth with an attachment.
pub(crate) fn mixed(count: u64) -> Vec<Vec<u8>> {
    (0..count)
        .map(|nr| {
            let size = 1000 + usize::try_from(Dice::new(nr + 3).roll(5000)).unwrap_or(0);
            let text = prose(size, nr);
            match nr % 4 {
                0 => mail(PLAIN, Wrap::Eight, text.as_bytes()),
                1 => mail(PLAIN, Wrap::Quoted, text.as_bytes()),
                2 => letter(&text, &html(3 * size, nr), nr % 8 == 2),
                _ => mail(PLAIN, Wrap::Base64, text.as_bytes()),
            }
        })
        .collect()
}

/// Text and HTML side by side, perhaps with a file.
fn letter(text: &str, html: &str, file: bool) -> Vec<u8> {
    let mut mail = format!("{HEADERS}Content-Type: multipart/mixed; boundary=\"_a_\"\r\n\r\n--_a_\r\nContent-Type: multipart/alternative; boundary=\"_b_\"\r\n\r\n").into_bytes();
    for (media, content) in [(PLAIN, text), (HTML, html)] {
        mail.extend_from_slice(
            format!("--_b_\r\nContent-Type: {media}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
                .as_bytes(),
        );
        quoted(content.as_bytes(), &mut mail);
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"--_b_--\r\n");
    if file {
        mail.extend_from_slice(b"--_a_\r\nContent-Type: application/pdf; name=brev.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        base64(&pdf(12_000, 5), &mut mail);
    }
    mail.extend_from_slice(b"--_a_--\r\n");
    mail
}

pub(crate) const PLAIN: &str = "text/plain; charset=utf-8";
pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const CSV: &str = "text/csv; charset=utf-8";
pub(crate) const PDF: &str = "application/pdf";

/// RFC 2045 §6.7.
pub(crate) fn quoted(content: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut column = 0;
    for byte in content {
        match byte {
            b'\r' | b'\n' => {
                out.push(*byte);
                column = 0;
                continue;
            }
            b'=' | 0x80.. => {
                out.extend([b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                column += 3;
            }
            byte => {
                out.push(*byte);
                column += 1;
            }
        }
        if column > 72 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
    }
}

/// RFC 2045 §6.8, lines of 76.
pub(crate) fn base64(content: &[u8], out: &mut Vec<u8>) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for line in content.chunks(57) {
        for group in line.chunks(3) {
            let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
                << (8 * (3 - group.len()));
            for place in 0..4 {
                let six = bits >> (18 - 6 * place) & 63;
                out.push(if place > group.len() { b'=' } else { LETTERS[six as usize] });
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}
