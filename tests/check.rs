//! `POST /v1/check` asked over a real socket: a portal, an SMS sender, and who sends it rubbish.

use crate::support::daemon::{Daemon, DaemonOptions};
use crate::support::{Port, Trouble};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const NUMBER: &str = "150379-1028";

struct House {
    daemon: Daemon,
    port: Port,
}

impl House {
    fn new(policy: &str) -> Self {
        let port = Port::claim().unwrap();
        let toml = format!(
            "{policy}\n[check]\nlisten = \"{}\"\n[console]\nlisten = \"unix:console.sock\"\n",
            port.addr()
        );
        let daemon = Daemon::start(&DaemonOptions { log: "trace", ..DaemonOptions::with(&toml) }).unwrap();
        Self { daemon, port }
    }

    /// Status and answer to a request as it stands.
    fn raw(&self, request: &[u8]) -> Result<(u16, String), Trouble> {
        let mut stream = TcpStream::connect(self.port.addr()).map_err(Trouble::while_doing("connecting"))?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(Trouble::while_doing("a timeout"))?;
        // Who is refused before the end of its body may be cut off.
        drop(stream.write_all(request));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| Trouble::new(format!("no HTTP: {answer}")))?;
        Ok((status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()))
    }

    fn post(&self, body: &str) -> (u16, Value) {
        let request = format!(
            "POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let (status, answer) = self.raw(request.as_bytes()).unwrap();
        (status, serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{status}: {answer}")))
    }

    fn ask(&self, enquiry: &Value) -> Value {
        let (status, answer) = self.post(&enquiry.to_string());
        assert_eq!(status, 200, "{answer}");
        assert!(!answer.to_string().contains("150379"), "{answer}");
        answer
    }
}

const ROADS: &str =
    "[policy]\nleak = \"deliver\"\n[[road]]\ndomain = \"*.example\"\nprotection = \"tunnel\"\n";

#[test]
fn a_number_has_no_place_in_an_sms_whole_or_split() {
    // Neither to observe nor a road makes an SMS anything else.
    let house = House::new(ROADS);
    for (parts, found) in [
        (json!([format!("Din kode: CPR-nr. {NUMBER}")]), "1"),
        (json!(["Hej.", format!("CPR-nr. {NUMBER}")]), "2"),
        (json!(["Dit CPR-nr. er 150379-", "1028. Hilsen kommunen"]), "joined"),
        (json!(["Dit CPR-nr. er 150379", "1028. Hilsen kommunen"]), "joined"),
        (json!(["Dit CPR-nr. er 1503", "79-10", "28. Hilsen kommunen"]), "joined"),
        (json!(["Dit CPR-nr. er 150379 (1/2)", "(2/2) 1028. Hilsen"]), "joined"),
    ] {
        let answer = house.ask(&json!({ "channel": "sms", "parts": parts, "to": ["+4500000000"] }));
        let told = (&answer["verdict"], &answer["action"], &answer["allowed"]);
        assert_eq!(told, (&"leak".into(), &"block".into(), &false.into()), "{answer}");
        let findings = answer["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{answer}");
        assert_eq!(
            (&findings[0]["cpr"], &findings[0]["part"]),
            (&"******-****".into(), &found.into()),
            "{answer}"
        );
        assert_eq!(findings[0]["tag"].as_str().unwrap().len(), 12);
        let decided = &answer["decision"][0];
        assert_eq!(
            (&decided["verdict"], &decided["protection"]),
            (&"block".into(), &"sms".into()),
            "{answer}"
        );
        assert_eq!(decided["rule"], "channel = \"sms\"");
    }
    // Whoever sends an SMS cannot take it back: what is only possible is enough, whole or split.
    for parts in [json!(["1503791028"]), json!(["Hej 1503 (1/2)", "(2/2) 791028 mvh"])] {
        let answer = house.ask(&json!({ "channel": "sms", "parts": parts, "to": ["+4500000000"] }));
        assert_eq!(answer["findings"][0]["confidence"], "possible", "{answer}");
        let told = (&answer["verdict"], &answer["action"], &answer["allowed"]);
        assert_eq!(told, (&"leak".into(), &"block".into(), &false.into()), "{answer}");
    }
    let clean =
        house.ask(&json!({ "channel": "sms", "text": "Din tid er den 12. maj kl. 10:30, sag 2026-004512" }));
    assert_eq!((&clean["verdict"], &clean["allowed"]), (&"clean".into(), &true.into()), "{clean}");
    let cases = house.daemon.cases().unwrap();
    assert!(!cases.is_empty() && cases.iter().all(|case| case["kind"] == "near_miss"), "{cases:?}");
}

#[test]
fn mail_goes_by_its_road_and_digital_post_shows_its_label() {
    let house = House::new(&ROADS.replace("deliver", "block"));
    let text = format!("CPR-nr.: {NUMBER}");
    let mail = house.ask(&json!({
        "channel": "mail", "text": text, "from": "a@noerreby.example", "to": ["b@x.example", "c@open.invalid"]
    }));
    assert_eq!(mail["action"], "block");
    assert_eq!(
        (&mail["decision"][0]["verdict"], &mail["decision"][1]["verdict"]),
        (&"deliver".into(), &"block".into())
    );
    assert_eq!(
        (&mail["decision"][0]["recipient"], &mail["decision"][1]["recipient"]),
        (&0.into(), &1.into())
    );
    let post =
        house.ask(&json!({ "channel": "digital-post", "text": text, "subject": "Din sag", "to": [NUMBER] }));
    assert_eq!((&post["verdict"], &post["allowed"]), (&"leak".into(), &true.into()), "{post}");
    let label = house
        .ask(&json!({ "channel": "digital-post", "text": "Hej", "subject": format!("CPR-nr. {NUMBER}") }));
    assert_eq!(
        (&label["action"], &label["findings"][0]["where"]),
        (&"block".into(), &"header:Subject".into()),
        "{label}"
    );
    // Lines in a subject begin no field, and a text ends no part.
    let odd = house
        .ask(&json!({ "channel": "mail", "text": "x\r\n.\r\n--x--", "subject": "a\r\nX-Y: b\r\n\r\nc" }));
    assert_eq!(odd["verdict"], "clean");
}

const MAIL: &str = "{\"channel\": \"mail\", \"text\": \"x\",";

#[test]
fn what_is_no_enquiry_gets_a_clear_answer_and_is_not_repeated() {
    let house = House::new(ROADS);
    let number = NUMBER.to_owned();
    for (body, part) in [
        (String::new(), "line 1"),
        ("{".to_owned(), "not what is asked for"),
        (format!("{{\"channel\": \"{number}\", \"text\": \"x\"}}"), "`channel` is one of"),
        (format!("{{\"channel\": \"sms\", \"text\": \"x\", \"{number}\": 1}}"), "not what is asked for"),
        (
            format!("{{\"channel\": \"sms\", \"text\": 1, \"subject\": \"{number}\"}}"),
            "not what is asked for",
        ),
        ("{\"channel\": \"sms\"}".to_owned(), "either `text` or `parts`"),
        ("{\"channel\": \"sms\", \"parts\": []}".to_owned(), "1 to 100"),
        ("{\"channel\": \"sms\", \"text\": \"x\", \"parts\": [\"y\"]}".to_owned(), "either"),
        (format!("{{\"channel\": \"mail\", \"text\": \"x\", \"to\": [\"{number}\"]}}"), "number 0 of `to`"),
        (
            format!("{{\"channel\": \"mail\", \"text\": \"x\", \"from\": \"{number}\"}}"),
            "`from` is no address",
        ),
        // Two in the place of one: the first one's road is not the other's.
        (format!("{MAIL} \"to\": [\"a@sikker.example <b@post.example>\"]}}"), "number 0 of `to`"),
        (format!("{MAIL} \"to\": [\"a@sikker.example b@post.example\"]}}"), "number 0 of `to`"),
        (format!("{{\"channel\": \"sms\", \"text\": \"x\", \"subject\": \"{}\"}}", "x".repeat(999)), "998"),
    ] {
        let (status, answer) = house.post(&body);
        let why = answer["error"].as_str().unwrap_or_default();
        assert!(status == 400 && why.contains(part) && !why.contains("150379"), "{body}: {status} {answer}");
    }
    let request = |line: &str, kind: &str, length: usize| {
        format!("{line} HTTP/1.1\r\nHost: x\r\n{kind}Content-Length: {length}\r\nConnection: close\r\n\r\n")
            .into_bytes()
    };
    let json = "Content-Type: application/json\r\n";
    for (request, wanted) in [
        (request("GET /v1/check", "", 0), 405),
        (request("POST /v1/chek", json, 0), 404),
        (request("POST /v1/check", "", 0), 415),
        (request("POST /v1/check", json, 2_000_000), 413),
    ] {
        assert_eq!(house.raw(&request).unwrap().0, wanted);
    }
    // Larger than it says.
    let mut chunked =
        format!("POST /v1/check HTTP/1.1\r\nHost: x\r\n{json}Transfer-Encoding: chunked\r\n\r\n")
            .into_bytes();
    for _ in 0..40 {
        chunked.extend_from_slice(b"8000\r\n");
        chunked.extend(std::iter::repeat_n(b' ', 0x8000));
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(house.raw(&chunked).unwrap().0, 413);
    // A body that does not come.
    assert_eq!(house.raw(&request("POST /v1/check", json, 10)).unwrap().0, 408);
    assert!(!house.daemon.log().contains("150379"));
    let answer = house.ask(&json!({ "channel": "mail", "text": "Hej" }));
    assert_eq!(answer["verdict"], "clean");
}

#[test]
fn nothing_of_what_was_asked_is_left_anywhere() {
    let mut house = House::new(&ROADS.replace("tunnel", "plaintext"));
    let asked = json!({
        "channel": "mail", "text": format!("CPR-nr.: {NUMBER}"), "subject": "Ordet brombaer",
        "from": "hemmelig@noerreby.example", "to": ["inger.madsen@post.example"]
    });
    assert_eq!(house.ask(&asked)["cases"].as_array().unwrap().len(), 1);
    let case = &house.daemon.cases().unwrap()[0];
    assert!(case["kind"] == "near_miss" && case["deadline"].is_null(), "it has not been sent: {case}");
    let sms = json!({ "channel": "sms", "text": format!("CPR-nr.: {NUMBER}"), "to": ["+4512121212"] });
    assert_eq!(house.ask(&sms)["action"], "block");
    house.daemon.kill();
    let mut all = house.daemon.log().into_bytes();
    for file in walkdir::WalkDir::new(house.daemon.data()).into_iter().filter_map(Result::ok) {
        all.extend_from_slice(file.path().to_str().unwrap().as_bytes());
        all.extend(std::fs::read(file.path()).unwrap_or_default());
    }
    for secret in ["150379", "brombaer", "hemmelig", "inger.madsen", "12121212"] {
        assert!(memchr::memmem::find(&all, secret.as_bytes()).is_none(), "{secret}");
    }
}

#[test]
fn a_register_that_cannot_be_written_is_no_permission() {
    let house = House::new(ROADS);
    let blocked = rusqlite::Connection::open(house.daemon.database()).unwrap();
    blocked
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON detection BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        )
        .unwrap();
    let body = json!({ "channel": "sms", "text": format!("CPR-nr.: {NUMBER}") });
    let (status, answer) = house.post(&body.to_string());
    assert_eq!(status, 503, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("do not send"));
    assert_eq!(house.ask(&json!({ "channel": "sms", "text": "Hej" }))["allowed"], true);
}
