//! Packets and multiprecision integers, RFC 9580 sections 3 and 4.

use super::SignError;

/// Packet types (section 5).
pub(super) const SIGNATURE: u8 = 2;
pub(super) const SECRET_KEY: u8 = 5;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const SECRET_SUBKEY: u8 = 7;
pub(super) const USER_ID: u8 = 13;
pub(super) const PUBLIC_SUBKEY: u8 = 14;

/// A packet: its type and its body.
pub(super) type Packet<'a> = (u8, &'a [u8]);

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], SignError> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or(SignError::Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, SignError> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A big-endian number of up to four bytes.
    pub(super) fn number(&mut self, bytes: usize) -> Result<u32, SignError> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    pub(super) fn length(&mut self, bytes: usize) -> Result<usize, SignError> {
        self.number(bytes).map(|number| number as usize)
    }

    /// A multiprecision integer, without leading zeros.
    pub(super) fn integer(&mut self) -> Result<&'a [u8], SignError> {
        let bits = self.length(2)?;
        let bytes = self.take(bits.div_ceil(8))?;
        Ok(without_zeros(bytes))
    }

    /// A length as packets of the new format and subpackets have it.
    fn new_length(&mut self) -> Result<usize, SignError> {
        match self.byte()? {
            first @ 0..192 => Ok(usize::from(first)),
            first @ 192..224 => Ok(((usize::from(first) - 192) << 8) + usize::from(self.byte()?) + 192),
            255 => self.length(4),
            _ => Err(SignError::Malformed("it has a packet of partial length")),
        }
    }

    fn packet(&mut self) -> Result<Packet<'a>, SignError> {
        let head = self.byte()?;
        if head & 0x80 == 0 {
            return Err(SignError::Malformed("a packet does not begin as it should"));
        }
        if head & 0x40 != 0 {
            let length = self.new_length()?;
            return Ok((head & 0x3f, self.take(length)?));
        }
        let length = match head & 3 {
            0 => self.length(1)?,
            1 => self.length(2)?,
            2 => self.length(4)?,
            _ => return Err(SignError::Malformed("it has a packet of unknown length")),
        };
        Ok((head >> 2 & 0x0f, self.take(length)?))
    }

    /// A subpacket of a signature: its type, without the bit that says it is critical, and its content.
    pub(super) fn subpacket(&mut self) -> Result<Packet<'a>, SignError> {
        let length = self.new_length()?;
        let body = self.take(length)?;
        let (kind, body) = body.split_first().ok_or(SignError::Malformed("it has an empty subpacket"))?;
        Ok((kind & 0x7f, body))
    }
}

/// All packets.
pub(super) fn packets(bytes: &[u8]) -> Result<Vec<Packet<'_>>, SignError> {
    let mut reader = Reader(bytes);
    let mut packets = Vec::new();
    while !reader.is_empty() {
        packets.push(reader.packet()?);
    }
    Ok(packets)
}

/// Writes a packet of the new format.
pub(super) fn put_packet(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(0xc0 | kind);
    put_length(out, body.len());
    out.extend_from_slice(body);
}

/// Writes a subpacket of a signature.
pub(super) fn put_subpacket(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    put_length(out, body.len() + 1);
    out.push(kind);
    out.extend_from_slice(body);
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    match length {
        0..192 => out.extend(u8::try_from(length)),
        192..8384 => {
            let [.., high, low] = (length - 192).to_be_bytes();
            out.extend([high + 192, low]);
        }
        _ => {
            out.push(255);
            out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
}

/// Writes a multiprecision integer.
pub(super) fn put_integer(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = without_zeros(bytes);
    let zeros = bytes.first().map_or(0, |first| first.leading_zeros() as usize);
    out.extend(u16::try_from(bytes.len() * 8 - zeros).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

pub(super) fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}
