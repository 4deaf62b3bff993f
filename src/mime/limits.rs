//! How much the walker takes on before it says so and reads on more simply. Nothing here stops a walk: what lies
//! beyond a limit still reaches the sink, as text, together with a [`Problem`](super::Problem) of class `Limit`.

/// The bounds of one walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep multiparts and messages may nest, counted together. A multipart or message deeper than this is read
    /// as one text leaf. Real mail stays below ten; mailparse gives up at one hundred.
    pub depth: usize,
    /// How many of those levels may be messages hidden in base64 or quoted-printable. Each such level decodes all
    /// its bytes once more, so this, and not `depth`, bounds the time a byte can cost.
    pub encoded_depth: usize,
    /// How many bytes of one header field are kept. What exceeds is not decoded. Together with its decoded form a
    /// field then stays within 1 MiB; Postfix itself cuts a header at 100 KiB (`header_size_limit`).
    pub header_bytes: usize,
    /// How many parts a mail may have, those of encoded messages within it counted too. What follows the last is read
    /// as one text: a part costs as much as some thousand bytes, and a mail may be nothing but delimiters.
    pub parts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, encoded_depth: 4, header_bytes: 256 * 1024, parts: 10_000 }
    }
}
