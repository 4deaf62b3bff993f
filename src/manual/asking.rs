//! Asking before a text is sent: portals and SMS senders.
//!
//! Before it is sent a portal or an SMS sender asks `POST /v1/check` (`[check] listen`): `{"channel": "sms", "parts": ["Dit CPR-nr.
//! er 150379-", "1028."], "to": ["+4500000000"]}` is answered by the same rules, with `allowed`, `decision` and masked findings, and
//! stands in the same register; 503 means ask again and do not send. `channel` is `mail`, `sms` or `digital-post`.
//! A text that is only asked about has not left: with `leak = "deliver"` a mail with a number is allowed and a near miss, and a
//! breach when it passes a door. Whoever sends it past every door is to ask with another `leak`. Where it becomes an SMS, what is only
//! possibly a number is refused as a number is: nobody takes an SMS back.
