//! A mail or a part of one while it is being put together: its fields, and a text that becomes bytes.
//!
//! Lines end in LF here; the plan ends them as it says when all is done.

use super::charset::Charset;
use super::transfer;

/// An entity of MIME.
#[derive(Clone, Debug)]
pub(crate) struct Entity {
    /// Those of a message and those of its content, in one list; the value may hold folds.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) content: Content,
    /// The media type alone.
    pub(crate) media: String,
    /// Of a text that has become bytes.
    pub(crate) charset: Option<Charset>,
}

/// What an entity holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A text that is in no charset yet.
    Text(String),
    /// Bytes of a text.
    Bytes(Vec<u8>),
    /// In a transfer encoding.
    Encoded(Vec<u8>),
    /// Parts or a message.
    Whole(Vec<u8>),
}

impl Entity {
    /// A text of this type, as the content of a message or of a part.
    pub(crate) fn text(media: &str, text: impl Into<String>) -> Self {
        Self {
            fields: Vec::new(),
            content: Content::Text(text.into()),
            media: media.to_owned(),
            charset: None,
        }
    }

    /// A message with these parts' bytes in it.
    pub(crate) fn whole(media: &str, bytes: Vec<u8>) -> Self {
        Self { fields: Vec::new(), content: Content::Whole(bytes), media: media.to_owned(), charset: None }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Adds the field, or gives it another value.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Adds a parameter to the field, or to the field of the media type.
    pub(crate) fn set_parameter(&mut self, name: &str, parameter: &str) {
        if let Some((_, value)) = self.fields.iter_mut().find(|(known, _)| known == name) {
            *value = format!("{value}; {parameter}");
            return;
        }
        let base = if name == "Content-Type" { self.media.as_str() } else { "attachment" };
        self.fields.push((name.to_owned(), format!("{base}; {parameter}")));
    }

    /// The fields that say something of the message and not of its content move out.
    pub(crate) fn take_message_fields(&mut self) -> Vec<(String, String)> {
        let (content, message) =
            std::mem::take(&mut self.fields).into_iter().partition(|(name, _)| name.starts_with("Content-"));
        self.fields = content;
        message
    }

    /// The bytes of its content; a text that was given no charset is in UTF-8 and says so.
    pub(crate) fn settle(&mut self) {
        if let Content::Text(text) = &self.content {
            self.content = Content::Bytes(text.clone().into_bytes());
            self.charset = Some(Charset::Utf8);
            if self.media.starts_with("text/") {
                self.set_parameter("Content-Type", "charset=utf-8");
            }
        }
        if let Content::Bytes(bytes) = self.content.clone() {
            // Where a line feed is more than one byte, line ends would not come through.
            let has_lines = self.charset.is_none_or(Charset::is_ascii);
            let encoding = match has_lines {
                true if bytes.is_ascii() => "7bit",
                true => "8bit",
                false => "base64",
            };
            self.set("Content-Transfer-Encoding", encoding);
            self.content =
                Content::Encoded(if has_lines { bytes } else { transfer::base64(&bytes, 76).into_bytes() });
        }
        if self.field("Content-Type").is_none() {
            self.fields.push(("Content-Type".into(), self.media.clone()));
        }
    }

    /// Header and content, as they go into a mail.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut settled = self.clone();
        settled.settle();
        let mut out = Vec::new();
        for (name, value) in &settled.fields {
            out.extend_from_slice(format!("{name}: {value}\n").as_bytes());
        }
        out.push(b'\n');
        out.extend_from_slice(settled.content.bytes());
        out
    }
}

impl Content {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) | Self::Encoded(bytes) | Self::Whole(bytes) => bytes,
        }
    }
}
