//! Asking before a text is sent: portals and SMS senders.
//!
//! Before it is sent a portal or an SMS sender asks `POST /v1/check` (`[check] listen`): `{"channel": "sms", "parts": ["Dit CPR-nr.
//! er 150379-", "1028."], "to": ["+4500000000"]}` is answered by the same rules, with `allowed`, `decision` and masked findings, and
//! stands in the same register; 503 means ask again and do not send. `channel` is `mail`, `sms` or `digital-post`.
